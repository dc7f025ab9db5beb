"""Rectifiers: every kind is found, computes the same as before, and passes gradients on by each rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kzoo.analysis.rectifiers import is_rectifier, revived, ruled
from kzoo.analysis.walk import run
from kzoo.checks import Refusal
from kzoo.layers import Conv1D, Maxout
from tests.analysis.attribution_models import noise

X = np.float32([-3, -2, 2, 3, 7, 8])
SLOPES = np.float32([-1, 1, -1, 1, -1, 1])
PASSED = {  # by rectifiers without and with a limit of 6
    "gradient": ([0, 0, -1, 1, -1, 1], [0, 0, -1, 1, 0, 0]),
    "guided": ([0, 0, 0, 1, 0, 1], [0, 0, 0, 1, 0, 0]),
    "deconvnet": ([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]),
}


def dense(activation):
    return layers.Dense(6, activation, kernel_initializer="identity")


def held(activation):
    """A cell whose state is not read: its output is activation(x)."""
    more = {"kernel_initializer": "identity", "recurrent_initializer": "zeros"}
    return lambda x: layers.SimpleRNN(6, activation, **more)(layers.Reshape((1, 6))(x))


ONES = {"kernel_initializer": "ones"}
RECTIFIERS = {
    "ReLU": (layers.ReLU(), False),
    "Activation": (layers.Activation("relu"), False),
    "dense": (dense("relu"), False),
    "kzoo": (lambda x: layers.Reshape((6,))(Conv1D(1, 1, activation="relu", **ONES)(layers.Reshape((6, 1))(x))), False),
    "ops": (keras.ops.relu, False),
    "dense ops": (dense(keras.ops.relu), False),
    "dense ReLU": (dense(layers.ReLU()), False),
    "dense tf": (dense(tf.nn.relu), False),
    "activations": (keras.activations.relu, False),
    "wrapped": (
        lambda x: layers.Reshape((6,))(layers.TimeDistributed(dense("relu"))(layers.Reshape((1, 6))(x))),
        False,
    ),
    "cell": (held("relu"), False),
    "ReLU 6": (layers.ReLU(max_value=6), True),
    "relu6": (layers.Activation("relu6"), True),
    "ops relu6": (keras.ops.relu6, True),
    "activations 6": (lambda x: keras.activations.relu(x, max_value=6), True),
}


def slopes_of(built, rule, passed):
    x = tf.convert_to_tensor(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        (y,) = run(built, x, ruled("it", rule, passed))
        total = tf.reduce_sum(y * SLOPES)
    return y, tape.gradient(total, x)


@pytest.mark.parametrize("kind", RECTIFIERS)
def test_every_kind_follows_the_rules(kind):
    rectifier, limited = RECTIFIERS[kind]
    inputs = keras.Input((6,))
    flat = keras.Model(inputs, rectifier(inputs))
    nested = keras.Sequential([keras.Input((6,)), keras.Sequential([keras.Input((6,)), flat])])
    wanted = np.clip(X, 0, 6 if limited else None)[None]
    for built in (flat, nested):
        for rule, slopes in PASSED.items():
            passed = set()
            y, found = slopes_of(built, rule, passed)
            np.testing.assert_array_equal(y, wanted)
            np.testing.assert_array_equal(found[0], slopes[limited])
            assert len(passed) == 1
        np.testing.assert_array_equal(built(X[None]), wanted)  # activations are restored


@pytest.mark.parametrize(
    "layer",
    [layers.LeakyReLU(), layers.ReLU(negative_slope=0.1), layers.PReLU(), layers.ELU(), dense("tanh"), Maxout(6)],
    ids=lambda layer: layer.name,
)
def test_others_keep_their_gradient(layer):
    built = keras.Sequential([keras.Input((6,)), layer])
    x = tf.convert_to_tensor(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(built(x) * SLOPES)
    plain = tape.gradient(total, x)
    for rule in PASSED:
        passed = set()
        np.testing.assert_allclose(slopes_of(built, rule, passed)[1], plain, rtol=1e-6)
        assert not passed


def test_only_rectifiers_on_the_way_are_counted():
    x = inputs = keras.Input((6,))
    aside = layers.ReLU()(x)
    built = keras.Model(inputs, [layers.ReLU()(layers.ReLU()(x)), aside])
    passed = set()
    slopes_of_first = tf.convert_to_tensor(X[None])
    with tf.GradientTape() as tape:
        tape.watch(slopes_of_first)
        y = run(built, slopes_of_first, ruled("it", "guided", passed))[0]
    tape.gradient(y, slopes_of_first)
    assert len(passed) == 2


MAPS = {1: (7, 2), 2: (7, 6, 2), 3: (4, 5, 6, 2)}
POOLS = {1: layers.MaxPooling1D, 2: layers.MaxPooling2D, 3: layers.MaxPooling3D}
WHOLE = {1: layers.GlobalMaxPooling1D, 2: layers.GlobalMaxPooling2D, 3: layers.GlobalMaxPooling3D}


@pytest.mark.parametrize("rank", MAPS)
def test_max_pools_pass_gradients_to_one_of_equal_maxima(rank):
    """Where all values are equal that is the first of each window; and in both data formats."""
    x = noise(2, *MAPS[rank])
    for make, more in (
        (POOLS[rank], {"strides": 2, "pool_size": 2}),
        (WHOLE[rank], {}),
        (WHOLE[rank], {"keepdims": 1}),
    ):
        last = keras.Sequential([keras.Input(MAPS[rank]), make(**more)])
        shape = (2, *MAPS[rank][:-1])
        first = keras.Sequential([keras.Input(shape), make(**more, data_format="channels_first")])
        (y,) = run(last, x, ruled("it", "deconvnet", set()))
        np.testing.assert_array_equal(y, last(x))
        (z,) = run(first, np.moveaxis(x, -1, 1), ruled("it", "deconvnet", set()))
        np.testing.assert_array_equal(np.moveaxis(z, 1, -1) if len(y.shape) > 2 else z, y)
        equal = tf.ones((1, *MAPS[rank]))
        with tf.GradientTape() as tape:
            tape.watch(equal)
            (y,) = run(last, equal, ruled("it", "deconvnet", set()))
        slopes = np.asarray(tape.gradient(y, equal))
        starts = np.zeros_like(slopes)
        step = 2 if make is POOLS[rank] else 100
        fits = tuple(slice(0, n // 2 * 2, step) for n in MAPS[rank][:-1])
        starts[(0, *fits)] = 1
        np.testing.assert_array_equal(slopes, starts)


def test_operations_that_pool():
    x = inputs = keras.Input((5, 5, 1))
    built = keras.Model(inputs, keras.ops.max_pool(x, 3, 2, "same"))
    x = noise(1, 5, 5, 1)
    np.testing.assert_array_equal(run(built, x, ruled("it", "deconvnet", set()))[0], built(x))


class Holder(layers.Layer):
    def __init__(self):
        super().__init__(name="holder")
        self.inner = layers.ReLU(name="inside")

    def call(self, x):
        return self.inner(x)


def test_refusals():
    with pytest.raises(Refusal, match="^it expects rule, one of deconvnet, guided, gradient; received rule='lrp'"):
        ruled("it", "lrp", set())
    built = keras.Sequential([keras.Input((6,)), Holder()])
    with pytest.raises(Refusal, match=r"not inside a layer; received layer='holder', inside=\['inside'\]"):
        run(built, X[None], ruled("it", "guided", set()))
    assert not is_rectifier(None) and not is_rectifier(layers.Dense(1, "relu"))


@pytest.mark.parametrize("kind", ["ReLU", "Activation", "dense", "ops", "cell", "ReLU 6"])
def test_gradients_where_all_units_are_0(kind):
    inputs = keras.Input((6,))
    built = keras.Model(inputs, RECTIFIERS[kind][0](inputs))
    x = tf.constant([[-1.0, 0.0, -2.0, -1.0, -3.0, 0.0], [-1.0, 2.0, -2.0, 3.0, -3.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        (y,) = run(built, x, revived("it"))
        total = tf.reduce_sum(y * SLOPES)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    # all units of the first example are 0, so slopes that raise them pass; the second keeps its gradient
    np.testing.assert_array_equal(tape.gradient(total, x), [[0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0]])

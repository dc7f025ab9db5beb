"""Several steps in one call: weights, metrics and iterations equal those of a plain `fit` over the same batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.models.registry import model as zoo_model
from kzoo.training.looped_model import LoopedModel

STEPS, BATCH = 12, 8
# Tolerances. XLA may sum in another order, and the differences accumulate over the steps.
EAGER, COMPILED = 1e-6, 2e-5
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(STEPS, BATCH, 10)).astype("float32")
Y = DRAW.integers(0, 3, (STEPS, BATCH)).astype("int32")


def trained(looped, optimizer, jit, dropout=0.0, per_call=4, epochs=2):
    """Returns (weights and random states, history, iterations) of a training; `per_call` steps per call if looped."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((10,))
    x = keras.layers.Dense(7, "relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    outputs = keras.layers.Dense(3, "softmax", kernel_regularizer="l2")(x)
    model = (LoopedModel if looped else keras.Model)(inputs, outputs)
    metrics = ["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="entropy")]
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=metrics, jit_compile=jit)
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    data = data.batch(per_call, drop_remainder=True) if looped else data
    history = model.fit(data, epochs=epochs, shuffle=False, verbose=0).history
    return [v.numpy() for v in model.variables], history, int(model.optimizer.iterations)


def sgd():
    return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), momentum=0.9, nesterov=True)


def adam():
    return keras.optimizers.Adam(0.01)


@pytest.mark.parametrize("optimizer", [sgd, adam])
@pytest.mark.parametrize("jit", [False, True])
def test_equals_plain_fit(optimizer, jit):
    wanted, history, iterations = trained(False, optimizer, False)
    got, looped, steps = trained(True, optimizer, jit)
    assert steps == iterations == 2 * STEPS
    for a, b in zip(wanted, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=(COMPILED if jit else EAGER) * max(1, abs(a).max()))
    assert looped.keys() == history.keys()
    for key, values in history.items():
        np.testing.assert_allclose(looped[key], values, rtol=COMPILED if jit else EAGER, err_msg=key)


def convnet(cls, jit):
    """Returns a digit classifier of the zoo, whose compiled convolutions and pools differ from those that are not."""
    keras.utils.set_random_seed(3)
    net = zoo_model("nielsen_3", filters=(3, 4), fc_units=(5,), l2=1e-3, classes=3)
    model = cls(net.input, net.output)
    model.compile(sgd(), "sparse_categorical_crossentropy", jit_compile=jit)
    return model


def test_a_compiled_convnet_equals_plain_fit():
    data = tf.data.Dataset.from_tensor_slices((DRAW.random((STEPS, BATCH, 28, 28, 1), "float32"), Y))
    plain, looped = convnet(keras.Model, False), convnet(LoopedModel, True)
    plain.fit(data, epochs=2, shuffle=False, verbose=0)
    looped.fit(data.batch(4), epochs=2, shuffle=False, verbose=0)
    assert looped.jit_compile
    for a, b in zip(plain.get_weights(), looped.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=COMPILED * max(1, abs(a).max()))


def test_dropout_equals_plain_fit():
    """The state of random layers changes once per step, not once per call."""
    wanted, history, _ = trained(False, sgd, False, dropout=0.5)
    got, looped, _ = trained(True, sgd, False, dropout=0.5, per_call=6)
    for a, b in zip(wanted, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=EAGER * max(1, abs(a.astype("float64")).max()))
    np.testing.assert_allclose(looped["loss"], history["loss"], rtol=EAGER)


def test_a_call_of_one_step_and_of_all():
    wanted, _, _ = trained(True, adam, False, per_call=1, epochs=1)
    got, _, steps = trained(True, adam, False, per_call=STEPS, epochs=1)
    assert steps == STEPS
    for a, b in zip(wanted, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=EAGER * max(1, abs(a).max()))


def test_evaluates_plain_batches():
    inputs = keras.Input((10,))
    model = LoopedModel(inputs, keras.layers.Dense(3, "softmax")(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    plain = keras.Model(model.input, model.output)
    plain.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert model.evaluate(X[0], Y[0], verbose=0) == plain.evaluate(X[0], Y[0], verbose=0)

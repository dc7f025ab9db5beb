"""RBFLoss: a loop over the formula, its gradient, large distances, training, config, errors."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.initializers import DigitCodes
from kzoo.layers import RBF
from kzoo.losses import RBFLoss
from kzoo.training.keras_objects import build_object


def by_loop(labels, outputs, j):
    """mean over p of y_d + log(exp(-j) + sum over i of exp(-y_i)), and its gradient for the outputs, -y."""
    total, gradient = 0.0, np.zeros(outputs.shape)
    for p, d in enumerate(labels):
        distances = [-float(o) for o in outputs[p]]
        rest = math.exp(-j) + sum(math.exp(-y) for y in distances)
        total += distances[d] + math.log(rest)
        for i, y in enumerate(distances):
            gradient[p, i] = (math.exp(-y) / rest - (i == d)) / len(labels)
    return total / len(labels), gradient


@pytest.mark.parametrize("j", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("column", [False, True])
def test_equals_the_loop(j, column):
    rng = np.random.default_rng(0)
    labels, outputs = rng.integers(0, 5, 7), -rng.uniform(0, 8, (7, 5))
    loss = RBFLoss(j, dtype="float64")
    with tf.GradientTape() as tape:
        x = tf.constant(outputs)
        tape.watch(x)
        got = loss(labels[:, None] if column else labels, x)
    want, slope = by_loop(labels, outputs, j)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(tape.gradient(got, x), slope, rtol=1e-12, atol=1e-15)


def test_large_distances_neither_vanish_nor_overflow():
    """Beyond 1,000, and beyond j = 200, exp is 0 in float32: y_d - j remains, with the gradient of y_d only."""
    x = tf.constant([[-1000.0, -2000.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = RBFLoss(200.0)(tf.constant([1]), x)
    assert float(loss) == 2000 - 200 and tape.gradient(loss, x).numpy().tolist() == [[0, -1]]


def test_trains_inputs_to_their_codes():
    """A model learns the prototype of each class, as Keras's accuracy shows."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 30)).astype("float32"), rng.integers(0, 10, 40)
    codes = RBF(10, kernel_initializer=DigitCodes(), trainable=False)
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(84, "tanh"), codes])
    model.compile(keras.optimizers.Adam(0.01), RBFLoss(), metrics=["accuracy"])
    model.fit(tf.data.Dataset.from_tensors((x, y)).repeat(100), verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] == 1.0


def test_a_config_names_it():
    loss = build_object("loss", {"class_name": "kzoo>RBFLoss", "config": {"j": 2}})
    assert isinstance(loss, RBFLoss) and loss.j == 2.0
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, RBFLoss) and again.get_config() == loss.get_config()


@pytest.mark.parametrize("j", [0, -1, "1", None, float("nan"), float("inf")])
def test_refuses(j):
    with pytest.raises(ValueError, match="RBFLoss expects j, a number above 0"):
        RBFLoss(j)

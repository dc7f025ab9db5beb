"""Which layers are rectifiers, and gradients where all units of one are 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.rectifiers import is_rectifier, with_gradients
from kzoo.analysis.walk import run
from kzoo.layers import Conv2D
from kzoo.models.graph import calls

L = keras.layers
YES = {
    "layer": L.ReLU(),
    "bounded": L.ReLU(max_value=6),
    "activation": L.Activation("relu"),
    "relu6": L.Dense(4, "relu6"),
    "dense": L.Dense(4, "relu"),
    "op": keras.ops.relu,
    "function": keras.activations.relu,
    "op6": keras.ops.relu6,
}
NO = {
    "leaky": L.LeakyReLU(),
    "slope": L.ReLU(negative_slope=0.1),
    "function": lambda x: keras.activations.relu(x, negative_slope=0.1),
    "dense": L.Dense(4),
    "softmax": L.Activation("softmax"),
    "elu": L.Dense(4, "elu"),
}


def last_operation(layer):
    x = keras.Input((4,))
    return keras.Model(x, layer(x)), [call.operation for call in calls(keras.Model(x, layer(x)))][-1]


@pytest.mark.parametrize("name", YES)
def test_rectifiers(name):
    assert is_rectifier(last_operation(YES[name])[1])


@pytest.mark.parametrize("name", NO)
def test_others(name):
    assert not is_rectifier(last_operation(NO[name])[1])


def test_layers_of_kzoo():
    assert is_rectifier(Conv2D(2, 3, activation="relu")) and not is_rectifier(Conv2D(2, 3, activation="tanh"))


@pytest.mark.parametrize("name", ["layer", "activation", "dense", "op"])
def test_gradients(name):
    built, operation = last_operation(YES[name])
    if name == "dense":
        built.set_weights([np.eye(4), np.zeros(4)])
    x = tf.constant([[1.0, -1.0, 2.0, -2.0], [-1.0, -1.0, -2.0, -2.0]])
    weights = tf.constant([[1.0, 2.0, -3.0, 4.0], [1.0, -2.0, 3.0, -4.0]])
    for visit, dead in ((None, [0, 0, 0, 0]), (with_gradients(), [1, 0, 3, 0])):
        with tf.GradientTape() as tape:
            tape.watch(x)
            (y,) = run(built, x, visit) if visit else run(built, x)
            total = tf.reduce_sum(y * weights)
        np.testing.assert_array_equal(y, np.maximum(x, 0))
        # the first example has units above 0 and keeps its gradient; the second has none
        np.testing.assert_array_equal(tape.gradient(total, x), [[1, 0, -3, 0], dead])

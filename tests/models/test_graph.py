"""The walk over a model's calls."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.models.graph import calls, is_graph, reapply


def test_calls_in_order():
    """Each call once, after those that compute its inputs; shapes are those of this call."""
    x, shared = keras.Input((8,)), layers.Dense(8, name="shared")
    y = shared(x)
    model = keras.Model(x, layers.Add(name="sum")([shared(y), y]))
    found = [(call.operation.name, call.number) for call in calls(model)]
    assert found == [("shared", 0), ("shared", 1), ("sum", 0)]
    assert [call.output_shapes for call in calls(model)] == [[(None, 8)]] * 3


def test_other_shapes_than_the_models_own():
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert [call.output_shapes[0] for call in calls(inner, [(None, 8, 8, 3)])] == [(None, 6, 6, 2), (None, 2)]
    assert len(inner.layers[0]._inbound_nodes) == 1  # walked, not called again


def test_what_is_no_graph():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    assert not is_graph(Own()) and not is_graph(keras.Sequential([layers.Dense(2)])) and not is_graph(layers.Dense(2))
    with pytest.raises(Refusal, match="a functional or Sequential model"):
        list(calls(Own()))


def test_deep_models():
    x = y = keras.Input((2,))
    for _ in range(400):
        y = layers.Activation("relu")(y)
    assert len(list(calls(keras.Model(x, y)))) == 400


def test_reapply():
    """On other inputs, with the same weights; shared layers stay shared, and a layer may be replaced."""
    x, shared = keras.Input((3,)), layers.Dense(3, name="shared")
    y = layers.Add()([shared(shared(x)), x])
    model = keras.Model(x, layers.Dense(2, name="top")(y))
    new = keras.Input((3,))
    again = keras.Model(new, reapply(model, [new])[0])
    data = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(again(data), model(data))
    assert again.count_params() == model.count_params() == 3 * 4 + 3 * 2 + 2
    other = keras.Model(new, reapply(model, [new], {"top": layers.Dense(5, name="top")})[0])
    assert other.output_shape == (None, 5) and other.get_layer("shared") is shared

"""The parts that families share: the input, the top, and checks of settings."""

import keras
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.models.blocks import (
    add_top,
    build_model,
    check_integer,
    check_integer_list,
    check_rate,
    gaussian,
    hidden_layers,
    model_input,
)
from tests.models.cards import assert_drawn_apart, check_start


def refusal(call, *args, **settings):
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_model_input():
    assert model_input("m", (40, 1)).shape == (None, 40, 1)
    assert model_input("m", [None, 3]).shape == (None, None, 3)
    given = keras.Input((8, 8, 3))
    assert model_input("m", (1, 1), given) is given
    assert (
        refusal(model_input, "m", (0, 1))
        == "m expects input_shape, sizes above 0 or None; received input_shape=(0, 1)."
    )
    assert "input_tensor" in refusal(model_input, "m", (8,), "x")


def test_layers_with_the_same_gaussian_draw_different_numbers():
    first, second = (layers.Dense(50, **start) for start in [gaussian(0.2, 3)] * 2)
    for layer in (first, second):
        layer.build((None, 40))
        check_start(layer, 0.2, 3)
    assert_drawn_apart(first, second)


def test_hidden_layers():
    dense, dropout, second, _ = hidden_layers((3, 2), 0.4, first=6, prefix="spatial_", **gaussian(0.1, 1))
    assert [dense.name, dropout.name, second.name] == ["spatial_fc6", "spatial_fc6_dropout", "spatial_fc7"]
    assert second.bias_initializer.value == 1 and dropout.rate == 0.4


def test_add_top():
    x = keras.Input((4, 4, 2))
    top = add_top("m", x, True, 5, "softmax", None, kernel_initializer="ones")
    built = keras.Model(x, top)
    assert [layer.name for layer in built.layers[1:]] == ["flatten", "predictions"] and top.shape == (None, 5)
    assert built.get_layer("predictions").get_weights()[0].sum() == 4 * 4 * 2 * 5
    flat = keras.Input((7,))
    assert [layer.name for layer in keras.Model(flat, add_top("m", flat, True, 5, None, None)).layers[1:]] == [
        "predictions"
    ]
    assert add_top("m", flat, False, 5, None, "avg") is flat and add_top("m", x, False, 5, None, None) is x
    assert add_top("m", x, False, None, None, "max").shape == (None, 2)


def test_hidden_layers_come_between():
    x = keras.Input((4, 2))
    dense = layers.Dense(3, name="fc1")
    built = keras.Model(x, add_top("m", x, True, 5, None, None, [dense, layers.Dropout(0.5, name="d")]))
    assert [layer.name for layer in built.layers[1:]] == ["flatten", "fc1", "d", "predictions"]


def test_build_model_keeps_the_source():
    inputs = keras.Input((4,))
    built = build_model("m", *(lambda x: (x, layers.Dense(2)(x)))(layers.Rescaling(2.0)(inputs)))
    assert built.inputs[0] is inputs and built.name == "m"


def test_checks():
    check_rate("m", dropout=0, input_dropout=0.5)
    for rate in (1, -0.1, "much", True):
        assert refusal(check_rate, "m", dropout=rate).startswith("m expects dropout, at least 0 and below 1; received")
    assert "units, an integer above 0" in refusal(check_integer, "m", units=0)
    assert "units, a list of integers above 0" in refusal(check_integer_list, "m", units=3)

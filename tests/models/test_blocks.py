"""What families share: the way in and the way out."""

import keras
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.models.blocks import classify, finish, start


def refusal(call, *args, **settings):
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_start():
    assert start("net", (40, 1)).shape == (None, 40, 1) and start("net", [None, 3]).shape == (None, None, 3)
    given = keras.Input((8, 8, 3))
    assert start("net", (1, 1), given) is given
    assert (
        refusal(start, "net", (0, 1)) == "net expects input_shape, sizes above 0 or None; received input_shape=(0, 1)."
    )
    assert "input_tensor" in refusal(start, "net", (8,), "x")


def test_classify_heads():
    x = keras.Input((4, 4, 2))
    top = classify("net", x, True, 5, "softmax", None, kernel_initializer="ones")
    net = keras.Model(x, top)
    assert [layer.name for layer in net.layers[1:]] == ["flatten", "predictions"] and top.shape == (None, 5)
    assert net.get_layer("predictions").get_weights()[0].sum() == 4 * 4 * 2 * 5
    flat = keras.Input((7,))
    assert [layer.name for layer in keras.Model(flat, classify("net", flat, True, 5, None, None)).layers[1:]] == [
        "predictions"
    ]
    assert classify("net", flat, False, 5, None, "avg") is flat and classify("net", x, False, 5, None, None) is x
    assert classify("net", x, False, None, None, "max").shape == (None, 2)


def test_hidden_layers_come_between():
    x = keras.Input((4, 2))
    dense = layers.Dense(3, name="fc1")
    net = keras.Model(x, classify("net", x, True, 5, None, None, [dense, layers.Dropout(0.5, name="d")]))
    assert [layer.name for layer in net.layers[1:]] == ["flatten", "fc1", "d", "predictions"]


def test_finish_keeps_the_source():
    inputs = keras.Input((4,))
    net = finish("net", *(lambda x: (x, layers.Dense(2)(x)))(layers.Rescaling(2.0)(inputs)))
    assert net.inputs[0] is inputs and net.name == "net"

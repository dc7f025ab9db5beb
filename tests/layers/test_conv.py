"""Conv1D, Conv2D, Conv3D: the contract, the op with the layer's weights, groups, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import Conv1D, Conv2D, Conv3D
from kzoo.ops.conv import conv
from tests import references
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"Conv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "activation": "tanh",
            "bias_initializer": "ones",
            "strides": 2,
            "dilation_rate": 2,
            "padding": "circular",
            "groups": 2,
        },
        noise(*SHAPES[rank]),
    )
    for rank in SHAPES
}
CONVOLUTIONS = {"Conv": (references.conv, {})}
RANKS = {1: Conv1D, 2: Conv2D, 3: Conv3D}


@pytest.mark.parametrize("cls", [Conv1D, Conv2D, Conv3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("untied", [False, True])
def test_passes_its_weights_to_the_op(rank, groups, untied):
    x = noise(*SHAPES[rank])
    layer = RANKS[rank](4, 3, strides=2, padding="reflect", groups=groups, untied_bias=untied, activation="relu")
    layer.build(x.shape)
    kernel, bias = randomize(layer)
    output = layer.compute_output_shape(x.shape)[1:-1]
    assert kernel.shape == ((3,) * rank + (2 // groups, 4)) and bias.shape == ((*output, 4) if untied else (4,))
    same(layer(x), np.maximum(np.asarray(conv(x, kernel, 2, "reflect")) + bias, 0))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_takes_the_weights_and_arguments_of_keras(padding):
    """Also by position: the first fifteen arguments are Keras's, in its order."""
    x, arguments = noise(2, 7, 8, 4), (6, 3, 1, padding, "channels_last", 3, 2, "tanh", True, "he_normal", "ones", "l2")
    ours, theirs = Conv2D(*arguments), keras.layers.Conv2D(*arguments)
    ours.build(x.shape)
    theirs.build(x.shape)
    randomize(ours)
    theirs.set_weights(ours.get_weights())
    same(ours(x), theirs(x))
    assert set(theirs.get_config()) == set(ours.get_config()) - {"untied_bias"}


def test_has_no_bias_when_asked():
    layer = Conv2D(4, 3, use_bias=False)
    layer.build((None, 5, 5, 2))
    assert len(layer.weights) == 1 and layer.bias is None


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, 5, 2), ["rank 4", "2 spatial axes"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({}, (1, 0, 5, 2), ["at least 1 pixel on spatial axis 0", "size=0"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        (
            {"kernel_size": 3, "dilation_rate": 3},
            (1, 9, 5, 2),
            ["spatial axis 1", "kernel_size=3, dilation=3, input=5"],
        ),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1 or 2 of them", "kernel_size=0"]),
        ({"kernel_size": 2.5}, (1, 5, 5, 2), ["kernel_size", "kernel_size=2.5"]),
        ({"kernel_size": (3, 3, 3)}, (1, 5, 5, 2), ["kernel_size", "kernel_size=(3, 3, 3)"]),
        ({"strides": 0}, (1, 5, 5, 2), ["strides, an integer of at least 1", "strides=0"]),
        ({"strides": 1.5}, (1, 5, 5, 2), ["strides", "strides=1.5"]),
        ({"dilation_rate": (1, 0)}, (1, 5, 5, 2), ["dilation_rate", "dilation_rate=(1, 0)"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"filters": 1.5}, (1, 5, 5, 2), ["filters", "filters=1.5"]),
        ({"padding": "half"}, (1, 5, 5, 2), ["padding, one of", "'circular'", "padding='half'"]),
        ({"padding": ("mirror", 1)}, (1, 5, 5, 2), ["padding mode", "'reflect'", "padding=('mirror', 1)"]),
        ({"padding": -1}, (1, 5, 5, 2), ["padding, an integer of at least 0", "padding=-1"]),
        ({"padding": ("reflect", 5)}, (1, 5, 5, 2), ["reflect padding of at most 4", "padding=(5, 5)"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
        ({"groups": 0}, (1, 5, 5, 2), ["groups, an integer above 0", "groups=0"]),
        ({"groups": 3}, (1, 5, 5, 2), ["filters divisible by groups", "filters=4, groups=3"]),
        ({"groups": 4}, (1, 5, 5, 2), ["input channels divisible by groups", "channels=2, groups=4"]),
        ({"untied_bias": True}, (1, None, 5, 2), ["known spatial sizes with untied_bias=True", "(None, None, 5, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Conv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_another_rank(rank):
    check_refusal(RANKS[rank], {"filters": 4, "kernel_size": 3}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], {"filters": 4, "kernel_size": 7}, SHAPES[rank][:-2] + (6, 2), "kernel_size=7", "input=")

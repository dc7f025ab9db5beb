"""FFTConv1D, 2D: the contract, the weights and results of Conv1D and 2D, errors."""

import pytest

from kzoo import ops
from kzoo.layers import Conv1D, Conv2D, FFTConv1D, FFTConv2D
from tests import references
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"FFTConv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2)[:rank],
            "strides": 2,
            "dilation_rate": 2,
            "padding": "circular",
            "bias_initializer": "ones",
        },
        noise(*SHAPES[rank]),
    )
    for rank in (1, 2)
}
CONVOLUTIONS = {"FFTConv": (references.conv, {})}
PAIRS = {1: (FFTConv1D, Conv1D), 2: (FFTConv2D, Conv2D)}


@pytest.mark.parametrize("cls", [FFTConv1D, FFTConv2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", PAIRS)
@pytest.mark.parametrize("untied", [False, True])
def test_takes_the_weights_of_conv(rank, untied):
    """With the same weights the results agree, up to the rounding of the largest output."""
    x, size = noise(*SHAPES[rank]), (3, 4)[:rank]
    kwargs = {"padding": "reflect", "strides": 2, "dilation_rate": (2, 1)[:rank], "untied_bias": untied}
    ours, theirs = (cls(4, size, activation="tanh", **kwargs) for cls in PAIRS[rank])
    theirs.build(x.shape)
    randomize(theirs)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights] == ["kernel", "bias"]
    with ops.no_islands():
        same(ours(x), theirs(x))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels", "(None, 5, 5, None)"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size, an integer of at least 1", "kernel_size=0"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"filters": 1.5}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=1.5"]),
        ({"untied_bias": True}, (1, None, 5, 2), ["known spatial sizes with untied_bias=True", "(None, None, 5, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(FFTConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


def test_has_no_groups():
    with pytest.raises(ValueError, match="groups"):
        FFTConv2D(4, 3, groups=2)

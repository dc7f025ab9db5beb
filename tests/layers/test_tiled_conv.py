"""TiledConv1D, TiledConv2D, TiledConv3D: the contract, the op with the layer's weights, errors."""

import numpy as np
import pytest

from kzoo.layers import Conv2D, LocallyConnected2D, TiledConv1D, TiledConv2D, TiledConv3D
from kzoo.ops.tiled_conv import tiled_conv
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_tiled_conv import reference

LAYER_CASES = {
    f"TiledConv{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2, 3)[:rank],
            "activation": "tanh",
            "bias_initializer": "ones",
            "tile": (2, 3, 2)[:rank],
            "padding": "same",
        },
        noise(*SHAPES[rank]),
    )
    for rank in SHAPES
}
CONVOLUTIONS = {"TiledConv": (reference, {"tile": 2})}
RANKS = {1: TiledConv1D, 2: TiledConv2D, 3: TiledConv3D}


@pytest.mark.parametrize("cls", [TiledConv1D, TiledConv2D, TiledConv3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("untied", [False, True])
def test_passes_its_weights_to_the_op(rank, untied):
    x, tile = noise(*SHAPES[rank]), (2, 3, 1)[:rank]
    layer = RANKS[rank](4, 2, tile, 2, "full", activation="relu", untied_bias=untied)
    layer.build(x.shape)
    kernel, bias = randomize(layer)
    output = layer.compute_output_shape(x.shape)[1:-1]
    assert kernel.shape == (*tile, *(2,) * rank, 2, 4) and bias.shape == (*(output if untied else tile), 4)
    period = output if untied else tile
    rotated = bias[np.ix_(*(np.arange(n) % t for n, t in zip(output, period)))]  # the bias goes with its kernel
    same(layer(x), np.maximum(np.asarray(tiled_conv(x, kernel, 2, "full")) + rotated, 0))


def test_lies_between_conv_and_locally_connected():
    """One weight, three layers: a tile of 1 shares it everywhere, a tile of the output's size nowhere."""
    x = noise(2, 6, 5, 2)
    for tile, other in ((1, Conv2D(3, 2)), ((5, 4), LocallyConnected2D(3, 2))):
        layer = TiledConv2D(3, 2, tile=tile)
        layer.build(x.shape)
        other.build(x.shape)
        randomize(layer)
        other.set_weights([w.reshape(v.shape) for w, v in zip(layer.get_weights(), other.weights)])
        same(layer(x), other(x))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"tile": (2, 4)}, (1, 5, 5, 2), ["a tile no larger than the output", "tile=(2, 4), output=(3, 3)"]),
        ({"tile": 0}, (1, 5, 5, 2), ["tile, an integer of at least 1 or 2 of them", "tile=0"]),
        ({"tile": 1.5}, (1, 5, 5, 2), ["tile", "tile=1.5"]),
        ({"tile": (2, 2, 2)}, (1, 5, 5, 2), ["tile", "tile=(2, 2, 2)"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({"kernel_size": 0}, (1, 5, 5, 2), ["kernel_size", "kernel_size=0"]),
        ({"strides": 1.5}, (1, 5, 5, 2), ["strides", "strides=1.5"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters", "filters=0"]),
        ({"padding": "half"}, (1, 5, 5, 2), ["padding, one of", "padding='half'"]),
        ({"untied_bias": True}, (1, 5, None, 2), ["known spatial sizes with untied_bias=True", "(None, 5, None, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(TiledConv2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    kwargs = {"filters": 4, "kernel_size": 2}
    check_refusal(RANKS[rank], kwargs, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], {**kwargs, "tile": 11}, SHAPES[rank], "a tile no larger than the output", "tile=(11,")


def test_has_no_groups():
    with pytest.raises(ValueError, match="groups"):
        TiledConv2D(4, 3, groups=2)

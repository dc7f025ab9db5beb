"""LowRankLocallyConnected1D, 2D: the contract, the op with each mixture, its initial state, learning, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import Conv2D, LowRankLocallyConnected1D, LowRankLocallyConnected2D
from tests.layer_checks import check_layer, check_refusal, randomize, same, train
from tests.layers.cases import SHAPES, Case, noise
from tests.ops.test_low_rank_locally_connected import reference

RANKS = {1: LowRankLocallyConnected1D, 2: LowRankLocallyConnected2D}
LAYER_CASES = {
    f"LowRankLocallyConnected{rank}D": Case(
        {
            "filters": 4,
            "kernel_size": (3, 2)[:rank],
            "strides": 2,
            "padding": "full",
            "kernels": 3,
            "mixture_initializer": "glorot_normal",
            "bias_initializer": "ones",
        },
        noise(*SHAPES[rank]),
        free=False,
    )
    for rank in RANKS
}
CONVOLUTIONS = {"LowRankLocallyConnected": (reference, {"mixture": "positions", "softmax": False})}
FIELD_CASES = {
    "LowRankLocallyConnected": [
        ("exact", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "mixture": "input"}),
        ("exact", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "mixture": "positions"}),
    ]
}


@pytest.mark.parametrize("cls", [LowRankLocallyConnected1D, LowRankLocallyConnected2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mixture", ["axes", "positions", "input"])
@pytest.mark.parametrize("softmax", [True, False])
def test_mixtures(rank, mixture, softmax):
    x, geometry = noise(*SHAPES[rank]), {"strides": 2, "padding": "reflect"}
    layer = RANKS[rank](4, 3, 2, "reflect", kernels=3, mixture=mixture, softmax=softmax)
    layer.build(x.shape)
    weights = dict(zip([weight.name for weight in layer.weights], randomize(layer)))
    output = layer.compute_output_shape(x.shape)[1:-1]
    if mixture == "input":
        with ops.no_islands():
            wanted = np.asarray(ops.conv(x, weights["mixture_kernel"], **geometry)) + weights["mixture_bias"]
    elif mixture == "positions":
        wanted = weights["mixture_0"]
        assert wanted.shape == (*output, 3)
    elif rank == 1:
        wanted = weights["mixture_0"]
    else:
        wanted = weights["mixture_0"][:, None] + weights["mixture_1"][None]
    if softmax:
        wanted = np.exp(wanted) / np.exp(wanted).sum(-1, keepdims=True)
    wanted = reference(x, weights["kernel"], wanted, **geometry) + weights["bias"]
    same(layer(x), wanted.astype("float32"), 1e-4)


@pytest.mark.parametrize("mixture", ["axes", "positions", "input"])
@pytest.mark.parametrize("softmax, factor", [(True, 1 / 4), (False, 1 / 2)])
def test_starts_as_a_convolution(mixture, softmax, factor):
    x = noise(*SHAPES[2])
    layer, conv = LowRankLocallyConnected2D(4, 3, kernels=4, mixture=mixture, softmax=softmax), Conv2D(4, 3)
    layer.build(x.shape)
    conv.build(x.shape)
    conv.set_weights([factor * np.sum(layer.kernel, axis=-2), layer.bias])
    with ops.no_islands():
        same(layer(x), conv(x))


def test_kernels_start_as_those_of_convolutions():
    keras.utils.set_random_seed(0)
    layer = LowRankLocallyConnected2D(50, 5, kernels=2)
    layer.build((None, 9, 9, 10))
    limit = (6 / (25 * 10 + 25 * 50)) ** 0.5
    assert 0.95 * limit < np.abs(layer.kernel).max() <= limit
    assert not np.array_equal(layer.kernel[..., 0, :], layer.kernel[..., 1, :])


def test_learns_where_to_use_which_kernel():
    """The left half of the target is the image, the right half its negative; one kernel cannot do both."""
    x = noise(32, 6, 6, 1)
    y = np.concatenate([x[:, :, :3], -x[:, :, 3:]], 2)
    keras.utils.set_random_seed(0)
    layer = LowRankLocallyConnected2D(1, 1, kernels=2, use_bias=False)
    model = keras.Sequential([keras.Input((6, 6, 1)), layer])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    train(model, x, y, 80)


def test_unknown_sizes():
    assert LowRankLocallyConnected2D(4, 3, mixture="input")(keras.Input((None, None, 2))).shape == (None, None, None, 4)
    check_refusal(LowRankLocallyConnected2D, {"filters": 4, "kernel_size": 3}, (1, None, 5, 2), "known spatial sizes")


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"kernels": 0}, (1, 5, 5, 2), ["kernels, an integer above 0", "kernels=0"]),
        ({"mixture": "rows"}, (1, 5, 5, 2), ["mixture, one of axes, positions, input", "mixture='rows'"]),
        ({"softmax": 2}, (1, 5, 5, 2), ["softmax", "softmax=2"]),
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"kernel_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "kernel_size=6", "input=5"]),
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(LowRankLocallyConnected2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)

"""ChannelLPPooling: the contract, the op with the layer's settings, subspaces, a topographic map, errors."""

import math

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import ChannelLPPooling
from tests.layer_checks import check_config, check_layer, check_refusal, same
from tests.layers.cases import Case, noise

LAYER_CASES = {
    "ChannelLPPooling": Case({"pool_size": 3, "strides": 1, "padding": "circular", "grid": (4, 3)}, noise(2, 7, 8, 12))
}
X = noise(2, 5, 4, 12)


@pytest.mark.parametrize("cls", [ChannelLPPooling])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize(
    "settings",
    [((2, 1), (1, 2), "same", (4, 3), 3, 0.5), ((2, 3, 1), None, "valid", (2, 3, 2), math.inf), (5, 2, "full")],
)
def test_passes_its_settings_to_the_op(settings):
    layer = ChannelLPPooling(*settings)
    check_config(layer, {})
    with ops.no_islands():
        same(layer(X), ops.channel_lp_pool(X, *settings))


@pytest.mark.parametrize("shape", [(3, 8), (3, 5, 8), (2, 3, 4, 5, 8), (1, 2, 2, 2, 2, 8)])
def test_subspaces_of_any_rank(shape):
    """Of two channels each."""
    x = noise(*shape)
    with ops.no_islands():
        y = ChannelLPPooling(2)(x)
    same(y, np.hypot(x[..., ::2], x[..., 1::2]))


def test_a_topographic_map_is_a_torus():
    """Rolling the map of the channels rolls that of the outputs; each has the energy of its 9 neighbours."""
    layer = ChannelLPPooling(3, 1, "circular", grid=(4, 3))
    turned = np.roll(X.reshape(2, 5, 4, 4, 3), (1, 2), (3, 4)).reshape(X.shape)
    with ops.no_islands():
        y = np.asarray(layer(X))
        same(layer(turned), np.roll(y.reshape(2, 5, 4, 4, 3), (1, 2), (3, 4)).reshape(X.shape))
    square = X.reshape(2, 5, 4, 4, 3) ** 2
    around = sum(np.roll(square, (i, j), (3, 4)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    same(y, np.sqrt(around).reshape(X.shape))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1,), ["an input of rank 2 or more"]),
        ({}, (1, 5, None), ["a known number of channels", "(None, 5, None)"]),
        ({"pool_size": 0}, (1, 5, 6), ["pool_size, an integer of at least 1 or 1 of them", "pool_size=0"]),
        ({"pool_size": 2.5}, (1, 5, 6), ["pool_size, an integer of at least 1", "pool_size=2.5"]),
        ({"pool_size": 7}, (1, 5, 6), ["a window that fits", "pool_size=7", "input=6"]),
        ({"strides": 0}, (1, 5, 6), ["strides, an integer of at least 1", "strides=0"]),
        ({"padding": "half"}, (1, 5, 6), ["padding, one of", "padding='half'"]),
        ({"padding": ("reflect", 6)}, (1, 5, 6), ["reflect padding of at most 5", "padding=(6, 6)"]),
        ({"padding": 2}, (1, 5, 6), ["windows that each meet the input", "pool_size=2", "padding=(2, 2)"]),
        ({"grid": (4, 2)}, (1, 5, 6), ["a grid whose sizes multiply to the channels", "grid=(4, 2), channels=6"]),
        ({"grid": (3, 0)}, (1, 5, 6), ["grid, 1 to 3 integers above 0", "grid=(3, 0)"]),
        ({"grid": (6, 1, 1, 1)}, (1, 5, 6), ["grid, 1 to 3 integers above 0", "grid=(6, 1, 1, 1)"]),
        ({"grid": 6}, (1, 5, 6), ["grid, 1 to 3 integers above 0", "grid=6"]),
        ({"grid": (3, 2), "pool_size": (2,)}, (1, 6), ["pool_size, an integer of at least 1 or 2 of them"]),
        ({"p": 0.5}, (1, 5, 6), ["p, a number of at least 1", "p=0.5"]),
        ({"epsilon": -1}, (1, 5, 6), ["epsilon, a number of at least 0", "epsilon=-1"]),
        ({"data_format": "NHWC"}, (1, 5, 6), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(ChannelLPPooling, {"pool_size": 2, **kwargs}, shape, *words)

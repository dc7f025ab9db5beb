"""KMaxPooling1D: the contract, the op with the layer's settings, k by depth, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import KMaxPooling1D
from tests.layer_checks import check_config, check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"KMaxPooling1D": Case({"k": 4}, noise(*SHAPES[1]))}


def test_contract(tmp_path):
    check_layer(KMaxPooling1D, *LAYER_CASES["KMaxPooling1D"], tmp_path, full=True)


@pytest.mark.parametrize("layer, kept", [(1, 12), (2, 6), (3, 3)])
def test_k_by_depth(layer, kept):
    """The paper's example, whose second layer reads what the first kept of 18 words."""
    x, pool = noise(2, 18, 3), KMaxPooling1D(3, (layer, 3))
    same(pool(x), ops.k_max_pool(x, kept))
    check_config(pool, {"depth": (layer, 3)})
    later = KMaxPooling1D(3, (layer, 3), length=18)
    assert later.compute_output_shape((None, 14, 3)) == (None, kept, 3)


def test_a_length_that_is_given_leaves_the_input_unknown():
    symbol = KMaxPooling1D(3, (2, 3), 18)(keras.Input((None, 4)))
    assert symbol.shape == (None, 6, 4)


def test_channels_first():
    x = noise(2, 3, 9)
    same(
        np.moveaxis(KMaxPooling1D(4, data_format="channels_first")(x), 1, -1), ops.k_max_pool(np.moveaxis(x, 1, -1), 4)
    )


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"k": 0}, (2, 9, 3), ["k, an integer above 0", "k=0"]),
        ({"k": 10}, (2, 9, 3), ["k of at most the length", "k=10, length=9"]),
        ({"depth": 2}, (2, 9, 3), ["depth, None or (layer, layers) with 1 <= layer <= layers", "depth=2"]),
        ({"depth": (3, 2)}, (2, 9, 3), ["depth=(3, 2)"]),
        ({"depth": (0, 2)}, (2, 9, 3), ["depth=(0, 2)"]),
        ({"depth": (1, 2), "length": 0}, (2, 9, 3), ["length, None or an integer above 0", "length=0"]),
        ({"depth": (1, 2), "length": 40}, (2, 9, 3), ["k of at most the length", "k=20, length=9"]),
        ({"depth": (1, 2)}, (2, None, 3), ["length, or a known input length, with depth", "length=None"]),
        ({}, (2, 9, 3, 1), ["rank 3", "3, 1)"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(KMaxPooling1D, {"k": 3, **kwargs}, shape, *words)

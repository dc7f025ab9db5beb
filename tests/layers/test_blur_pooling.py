"""BlurPooling2D: the contract, the op with the layer's settings, the paper's padding, errors."""

import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import BlurPooling2D
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"BlurPooling2D": Case({"pool_size": 4, "strides": (2, 1)}, noise(*SHAPES[2]))}
X = noise(*SHAPES[2])


@pytest.mark.parametrize("cls", [BlurPooling2D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_passes_its_settings_to_the_op():
    with ops.no_islands():
        same(BlurPooling2D((4, 2), 1, "same", dilation_rate=2)(X), ops.blur_pool(X, (4, 2), 1, "same", 2))
        same(BlurPooling2D()(X), ops.blur_pool(X))


@pytest.mark.parametrize("size, pads", [(3, (1, 1)), (4, (1, 2)), (5, (2, 2)), (7, (3, 3))])
def test_pads_as_the_paper_does(size, pads):
    """By reflection, size - 1 pixels in all; NumPy's window sums then give the same."""
    layer = BlurPooling2D(size)
    assert layer.padding == ("reflect", (pads, pads)) and layer.strides == (2, 2)
    rows = np.poly1d([0.5, 0.5]) ** (size - 1)  # the binomial weights
    padded = np.pad(X, ((0, 0), pads, pads, (0, 0)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))[:, ::2, ::2]
    with ops.no_islands():
        same(layer(X), np.einsum("bijcuv,u,v->bijc", windows, rows.c, rows.c).astype("float32"))


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"pool_size": 0}, ["pool_size, an integer of at least 1", "pool_size=0"]),
        ({"pool_size": 2.5}, ["pool_size, an integer of at least 1", "pool_size=2.5"]),
        ({"pool_size": 15}, ["reflect padding of at most 6", "padding=(7, 7), size=7"]),
        ({"pool_size": 9, "padding": "valid"}, ["a window that fits", "pool_size=9", "input=7"]),
    ],
)
def test_refuses(kwargs, words):
    check_refusal(BlurPooling2D, kwargs, SHAPES[2], *words)

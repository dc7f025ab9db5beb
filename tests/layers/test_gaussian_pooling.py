"""GaussianPooling1D, 2D, 3D: the contract, the op with the layer's settings, errors."""

import pytest

from kzoo import ops
from kzoo.layers import GaussianPooling1D, GaussianPooling2D, GaussianPooling3D
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import POOL, SHAPES, Case, noise

LAYER_CASES = {
    f"GaussianPooling{rank}D": Case({**POOL, "sigma": (1.0, 0.5, 2.0)[:rank]}, noise(*SHAPES[rank])) for rank in SHAPES
}
RANKS = {1: GaussianPooling1D, 2: GaussianPooling2D, 3: GaussianPooling3D}


@pytest.mark.parametrize("cls", [GaussianPooling1D, GaussianPooling2D, GaussianPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("each", [False, True])
def test_passes_its_settings_to_the_op(rank, each):
    x, size = noise(*SHAPES[rank]), (3, 2, 2)[:rank]
    sigma = (0.7, 2.0, 1.0)[:rank] if each else 0.7
    with ops.no_islands():
        layer = RANKS[rank](size, 1, "circular", dilation_rate=2, sigma=sigma)
        same(layer(x), ops.gaussian_pool(x, size, 1, "circular", 2, sigma))
        same(RANKS[rank](3, 2)(x), ops.gaussian_pool(x, 3, 2, sigma=0.75))  # a quarter of the window
        same(RANKS[rank]()(x), ops.gaussian_pool(x, 2, 2))


def test_keeps_the_sigma_it_found():
    assert GaussianPooling2D((4, 6)).get_config()["sigma"] == (1.0, 1.5)
    assert GaussianPooling2D(3, sigma=2).get_config()["sigma"] == (2.0, 2.0)


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf"), (1.0,), (1.0, 0), (1.0, 1.0, 1.0), "1", True])
def test_refuses(sigma):
    words = "sigma, a number above 0 or 2 of them", f"sigma={sigma!r}"
    check_refusal(GaussianPooling2D, {"sigma": sigma}, SHAPES[2], *words)

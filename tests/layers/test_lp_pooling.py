"""LPPooling1D, 2D, 3D: the contract, the op with the layer's settings, infinity in a file, errors."""

import math

import keras
import pytest

from kzoo import ops
from kzoo.layers import LPPooling1D, LPPooling2D, LPPooling3D
from tests.layer_checks import check_config, check_layer, check_refusal, same
from tests.layers.cases import POOL, SHAPES, Case, noise

LAYER_CASES = {f"LPPooling{rank}D": Case({**POOL, "p": 3.0, "epsilon": 0.1}, noise(*SHAPES[rank])) for rank in SHAPES}
RANKS = {1: LPPooling1D, 2: LPPooling2D, 3: LPPooling3D}


@pytest.mark.parametrize("cls", [LPPooling1D, LPPooling2D, LPPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("p, epsilon", [(1, 0), (3, 0.5), (math.inf, 0)])
def test_passes_its_settings_to_the_op(rank, p, epsilon):
    x, size = noise(*SHAPES[rank]), (3, 2, 2)[:rank]
    with ops.no_islands():
        layer = RANKS[rank](size, 1, "circular", dilation_rate=2, p=p, epsilon=epsilon)
        same(layer(x), ops.lp_pool(x, size, 1, "circular", 2, p, epsilon))
        same(RANKS[rank]()(x), ops.lp_pool(x, 2, 2))  # Euclid's norm, strides as the window


def test_an_infinite_p_is_restored_from_its_file(tmp_path):
    layer = LPPooling2D(p=math.inf)
    check_config(layer, {"p": math.inf})
    keras.Sequential([keras.Input((4, 4, 1)), layer]).save(tmp_path / "layer.keras")
    assert keras.models.load_model(tmp_path / "layer.keras").layers[0].p == math.inf


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"p": 0.5}, ["p, a number of at least 1", "p=0.5"]),
        ({"p": "2"}, ["p, a number of at least 1", "p='2'"]),
        ({"p": math.nan}, ["p, a number of at least 1", "p=nan"]),
        ({"epsilon": -1}, ["epsilon, a number of at least 0", "epsilon=-1"]),
        ({"epsilon": 1e-6, "p": math.inf}, ["0 where p is infinite", "epsilon=1e-06, p=inf"]),
        ({"padding": 2}, ["windows that each meet the input", "pool_size=2", "padding=(2, 2)"]),
    ],
)
def test_refuses(kwargs, words):
    check_refusal(LPPooling2D, kwargs, SHAPES[2], *words)

"""Padding1D, 2D, 3D: the contract, NumPy's padding, integers, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import Padding1D, Padding2D, Padding3D
from kzoo.ops.pad import MODES
from tests.layer_checks import check_layer, check_refusal, dtype, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"Padding{rank}D": Case({"padding": ((1, 2), 1, (2, 0))[:rank], "mode": "reflect"}, noise(*SHAPES[rank]))
    for rank in SHAPES
}
RANKS = {1: Padding1D, 2: Padding2D, 3: Padding3D}


@pytest.mark.parametrize("cls", [Padding1D, Padding2D, Padding3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("mode, theirs", [*zip(MODES, ("constant", "wrap", "reflect", "edge"))])
def test_pads_as_numpy_does(rank, mode, theirs):
    x = noise(*SHAPES[rank])
    for padding in (2, ((1, 2), 0, (3, 0))[:rank]):
        pairs = [(p, p) if isinstance(p, int) else p for p in ((padding,) * rank if padding == 2 else padding)]
        same(RANKS[rank](padding, mode)(x), np.pad(x, [(0, 0), *pairs, (0, 0)], theirs))


def test_defaults():
    """One pixel of zeros on every side, as Keras's ZeroPadding2D."""
    x = noise(*SHAPES[2])
    same(Padding2D()(x), keras.layers.ZeroPadding2D()(x))
    same(Padding2D(constant_values=3)(x), np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=3))


def test_integers_stay_integers():
    x = np.arange(4, dtype="int32").reshape(1, 2, 2, 1)
    for mode in MODES:
        assert dtype(Padding2D(1, mode)(x)) == "int32"


def test_unknown_sizes_stay_unknown():
    assert Padding2D((1, (0, 2)))(keras.Input((None, 5, 3))).shape == (None, None, 7, 3)


def test_config_is_plain():
    config = Padding2D([np.int64(1), [0, np.int64(2)]], constant_values=np.float32(1)).get_config()
    assert config["padding"] == ((1, 1), (0, 2)) and type(config["constant_values"]) is float
    assert all(type(n) is int for pair in config["padding"] for n in pair)


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"padding": -1}, (1, 5, 5, 2), ["padding, an integer of at least 0", "padding=-1"]),
        ({"padding": 1.5}, (1, 5, 5, 2), ["padding, an integer of at least 0", "padding=1.5"]),
        ({"padding": (1, 1, 1)}, (1, 5, 5, 2), ["2 of them or of pairs (before, after)", "padding=(1, 1, 1)"]),
        ({"padding": (1, (1, 2, 3))}, (1, 5, 5, 2), ["padding, an integer", "padding=(1, (1, 2, 3))"]),
        ({"padding": "same"}, (1, 5, 5, 2), ["padding, an integer of at least 0", "padding='same'"]),
        ({"mode": "mirror"}, (1, 5, 5, 2), ["mode, one of", "'reflect'", "mode='mirror'"]),
        ({"mode": None}, (1, 5, 5, 2), ["mode, one of", "mode=None"]),
        ({"constant_values": "0"}, (1, 5, 5, 2), ["constant_values, a number", "constant_values='0'"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
        ({"mode": "reflect", "padding": 5}, (1, 9, 5, 2), ["reflect padding of at most 4", "size=5"]),
        ({"mode": "circular", "padding": 6}, (1, 9, 5, 2), ["circular padding of at most 5", "size=5"]),
        ({"mode": "reflect"}, (1, 0, 5, 2), ["reflect padding of at most 0", "size=0"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(Padding2D, kwargs, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    check_refusal(RANKS[rank], {}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")

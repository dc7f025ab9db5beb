"""MaxPooling1D, 2D, 3D: the contract, the op with the layer's settings, Keras's layers, integers, export."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import MaxPooling1D, MaxPooling2D, MaxPooling3D
from kzoo.layers.field import EXACT
from tests.layer_checks import check_layer, check_refusal, dtype, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"MaxPooling{rank}D": Case({"pool_size": 3, "strides": 2, "padding": 1, "ceil_mode": True}, noise(*SHAPES[rank]))
    for rank in SHAPES
}
FIELD_CASES = {
    "MaxPooling": [
        (EXACT, {"pool_size": 3, "strides": 2}),
        (EXACT, {"pool_size": 2, "ceil_mode": True}),
        (EXACT, {"pool_size": 3, "strides": 1, "padding": 1}),
    ]
}
RANKS = {1: MaxPooling1D, 2: MaxPooling2D, 3: MaxPooling3D}


@pytest.mark.parametrize("cls", [MaxPooling1D, MaxPooling2D, MaxPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_passes_its_settings_to_the_op(rank):
    x, size = noise(*SHAPES[rank]), (3, 2, 2)[:rank]
    same(RANKS[rank](size, 2, 1, dilation_rate=2, ceil_mode=True)(x), ops.max_pool(x, size, 2, 1, 2, ceil_mode=True))
    same(RANKS[rank]()(x), ops.max_pool(x, 2, 2))  # strides as the window


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_defaults_are_those_of_keras(rank, padding, data_format):
    x, theirs = noise(*SHAPES[rank]), getattr(keras.layers, f"MaxPooling{rank}D")
    moved, back = (np.moveaxis(x, -1, 1), (1, -1)) if data_format == "channels_first" else (x, (0, 0))
    same(np.moveaxis(RANKS[rank](3, 2, padding, data_format)(moved), *back), theirs(3, 2, padding)(x))


def test_integers_stay_integers():
    x = np.arange(32, dtype="int32").reshape(1, 4, 4, 2)
    for policy in ("float32", "mixed_bfloat16"):
        layer = MaxPooling2D(dtype=policy)
        assert dtype(layer(x)) == dtype(layer(keras.Input((4, 4, 2), dtype="int32"))) == "int32"
    np.testing.assert_array_equal(layer(x), x[:, 1::2, 1::2])


def test_refuses():
    check_refusal(MaxPooling2D, {"padding": 2}, SHAPES[2], "windows that each meet the input", "pool_size=2")

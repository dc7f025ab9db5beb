"""AveragePooling1D, 2D, 3D: the contract, the op with the layer's settings, Keras's layers, refusals, export."""

import math

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import AveragePooling1D, AveragePooling2D, AveragePooling3D
from kzoo.layers.field import EXACT
from tests.layer_checks import check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"AveragePooling{rank}D": Case(
        {"pool_size": 3, "strides": 2, "padding": 1, "count_include_pad": True, "ceil_mode": True}, noise(*SHAPES[rank])
    )
    for rank in SHAPES
}
FIELD_CASES = {
    "AveragePooling": [
        (EXACT, {"pool_size": 3, "strides": 2}),
        (EXACT, {"pool_size": 2, "ceil_mode": True, "divisor": 3}),
        (EXACT, {"pool_size": 3, "strides": 1, "padding": 1, "count_include_pad": True}),
    ]
}
RANKS = {1: AveragePooling1D, 2: AveragePooling2D, 3: AveragePooling3D}


@pytest.mark.parametrize("cls", [AveragePooling1D, AveragePooling2D, AveragePooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


def test_contract_with_a_divisor(tmp_path):
    check_layer(AveragePooling2D, {"divisor": 3, "padding": ((0, 1), 1)}, noise(*SHAPES[2]), True, tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_passes_its_settings_to_the_op(rank):
    x, size = noise(*SHAPES[rank]), (3, 2, 2)[:rank]
    with ops.no_islands():
        layer = RANKS[rank](size, 2, 1, dilation_rate=2, count_include_pad=True, ceil_mode=True)
        same(layer(x), ops.average_pool(x, size, 2, 1, 2, count_include_pad=True, ceil_mode=True))
        same(RANKS[rank](size, divisor=5)(x), ops.average_pool(x, size, divisor=5))
        same(RANKS[rank]()(x), ops.average_pool(x, 2, 2))  # strides as the window


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_defaults_are_those_of_keras(rank, padding, data_format):
    x, theirs = noise(*SHAPES[rank]), getattr(keras.layers, f"AveragePooling{rank}D")
    moved, back = (np.moveaxis(x, -1, 1), (1, -1)) if data_format == "channels_first" else (x, (0, 0))
    same(np.moveaxis(RANKS[rank](3, 2, padding, data_format)(moved), *back), theirs(3, 2, padding)(x))


def test_ceil_mode_in_a_saved_model_and_an_export(tmp_path):
    x = noise(2, 7, 8, 2)
    image = keras.Input((None, None, 2))
    model = keras.Model(image, AveragePooling2D(2, ceil_mode=True)(image))
    want = np.zeros((2, 4, 4, 2), "float32")
    for i, j in np.ndindex(4, 4):
        want[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((1, 2))
    model.save(tmp_path / "model.keras")
    same(keras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0), want)
    model.export(tmp_path / "export", verbose=False)
    same(keras.layers.TFSMLayer(tmp_path / "export", call_endpoint="serve")(x), want)


@pytest.mark.parametrize(
    "kwargs, words",
    [
        ({"divisor": 0}, ["divisor, a number above 0 or None", "divisor=0"]),
        ({"divisor": math.nan}, ["divisor, a number above 0 or None", "divisor=nan"]),
        ({"count_include_pad": "no"}, ["count_include_pad, True or False", "count_include_pad='no'"]),
        ({"padding": 2}, ["windows that each meet the input", "pool_size=2", "padding=(2, 2)"]),
    ],
)
def test_refuses(kwargs, words):
    check_refusal(AveragePooling2D, kwargs, SHAPES[2], *words)


def test_refuses_the_name_of_pytorch():
    with pytest.raises(ValueError, match="no argument 'divisor_override'; the equivalent is divisor"):
        AveragePooling2D(divisor_override=3)

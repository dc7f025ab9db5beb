"""AdaptiveMaxPooling1D, 2D, 3D: the contract with and without indices, the op with the layer's sizes, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from tests.layer_checks import as_model, check_layer, check_refusal, dtype, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"AdaptiveMaxPooling{rank}D": Case(
        {"output_size": (3, None, 2)[:rank], "return_indices": True}, noise(*SHAPES[rank])
    )
    for rank in SHAPES
}
RANKS = {1: AdaptiveMaxPooling1D, 2: AdaptiveMaxPooling2D, 3: AdaptiveMaxPooling3D}


@pytest.mark.parametrize("cls", [AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_contract_without_indices(rank, tmp_path):
    _, inputs, free = LAYER_CASES[f"AdaptiveMaxPooling{rank}D"]
    check_layer(RANKS[rank], {"output_size": 2}, inputs, free, tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("size", [1, 3, None])
def test_passes_its_sizes_to_the_op(rank, size):
    x = noise(*SHAPES[rank])
    values, indices = RANKS[rank](size, return_indices=True)(x)
    same((values, indices), adaptive_max_pool(x, size, return_indices=True))
    same(RANKS[rank](size)(x), values, 0)
    same(np.take_along_axis(x.reshape(2, -1), np.reshape(indices, (2, -1)), 1).reshape(values.shape), values, 0)


def test_one_model_takes_any_size():
    model = as_model(AdaptiveMaxPooling2D((2, 3), return_indices=True), noise(1, 5, 5, 2), known=False)
    for size in ((5, 5), (4, 9), (1, 1), (6, 3)):
        x = noise(2, *size, 2)
        same(model.predict(x, verbose=0), adaptive_max_pool(x, (2, 3), return_indices=True))


def test_integers_stay_integers():
    x = np.arange(16, dtype="int32").reshape(1, 4, 4, 1)
    for layer in (AdaptiveMaxPooling2D(2), AdaptiveMaxPooling2D(2, dtype="mixed_float16")):
        assert dtype(layer(x)) == dtype(layer(keras.Input((4, 4, 1), dtype="int32"))) == "int32"
    np.testing.assert_array_equal(layer(x)[0, :, :, 0], [[5, 7], [13, 15]])


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 0, 5, 2), ["an input of at least 1 pixel on each axis", "0, 5, 2)"]),
        ({"output_size": 0}, (1, 5, 5, 2), ["output_size, an integer above 0 or None, or 2 of these", "output_size=0"]),
        ({"output_size": 2.5}, (1, 5, 5, 2), ["output_size", "output_size=2.5"]),
        ({"output_size": (2, 2, 2)}, (1, 5, 5, 2), ["output_size", "output_size=(2, 2, 2)"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(AdaptiveMaxPooling2D, {"output_size": 2, **kwargs}, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    check_refusal(RANKS[rank], {"output_size": 2}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], {"output_size": 0}, SHAPES[rank], "output_size", "output_size=0")

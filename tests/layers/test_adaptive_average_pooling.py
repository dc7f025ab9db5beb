"""AdaptiveAveragePooling1D, 2D, 3D: the contract, the op with the layer's sizes, any input size, errors."""

import pytest

from kzoo.layers import AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D
from kzoo.ops.adaptive_average_pool import adaptive_average_pool
from tests.layer_checks import as_model, check_layer, check_refusal, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    f"AdaptiveAveragePooling{rank}D": Case({"output_size": (3, None, 2)[:rank]}, noise(*SHAPES[rank]))
    for rank in SHAPES
}
RANKS = {1: AdaptiveAveragePooling1D, 2: AdaptiveAveragePooling2D, 3: AdaptiveAveragePooling3D}


@pytest.mark.parametrize("cls", [AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("size", [1, 3, None])
def test_passes_its_sizes_to_the_op(rank, size):
    x = noise(*SHAPES[rank])
    y = RANKS[rank](size)(x)
    same(y, adaptive_average_pool(x, size))
    if size == 1:
        same(y, x.mean(tuple(range(1, rank + 1)), keepdims=True))
    if size is None:
        same(y, x, 0)


def test_one_model_takes_any_size():
    model = as_model(AdaptiveAveragePooling2D((2, 3)), noise(1, 5, 5, 2), known=False)
    for size in ((5, 5), (4, 9), (1, 1), (6, 3)):
        x = noise(2, *size, 2)
        same(model.predict(x, verbose=0), adaptive_average_pool(x, (2, 3)))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({}, (1, 5, 5, 5, 2), ["rank 4", " 5, 5, 5, 2)"]),
        ({}, (1, 0, 5, 2), ["an input of at least 1 pixel on each axis", "0, 5, 2)"]),
        ({"output_size": 0}, (1, 5, 5, 2), ["output_size, an integer above 0 or None, or 2 of these", "output_size=0"]),
        ({"output_size": 2.5}, (1, 5, 5, 2), ["output_size", "output_size=2.5"]),
        ({"output_size": (2, 2, 2)}, (1, 5, 5, 2), ["output_size", "output_size=(2, 2, 2)"]),
        ({"output_size": "two"}, (1, 5, 5, 2), ["output_size", "output_size='two'"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(AdaptiveAveragePooling2D, {"output_size": 2, **kwargs}, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    check_refusal(RANKS[rank], {"output_size": 2}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], {"output_size": -1}, SHAPES[rank], "output_size", "output_size=-1")

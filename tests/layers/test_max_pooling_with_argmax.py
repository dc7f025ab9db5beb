"""MaxPoolingWithArgmax1D, 2D, 3D: the contract, the op with the layer's geometry, integer inputs, refusals."""

import keras
import numpy as np
import pytest

from kzoo.layers import MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D
from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax
from tests.layer_checks import check_layer, check_refusal, dtype, same
from tests.layers.cases import CASES, POOL, SHAPES, noise, pool_inputs

RANKS = {1: MaxPoolingWithArgmax1D, 2: MaxPoolingWithArgmax2D, 3: MaxPoolingWithArgmax3D}


@pytest.mark.parametrize("cls", [MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_hands_its_geometry_to_the_op(rank):
    x = noise(*SHAPES[rank])
    same(RANKS[rank](**POOL)(x), pool_inputs(x))  # by loops
    size = (3, 2, 2)[:rank]
    same(RANKS[rank](size, 1, 1, dilation_rate=2)(x), max_pool_with_argmax(x, size, 1, 1, 2))
    same(RANKS[rank]()(x), max_pool_with_argmax(x, 2, 2))  # strides as the window


def test_integers_stay_integers():
    """Keras casts no integers; the symbolic output says so too, under a mixed policy as well."""
    x = np.arange(32, dtype="int32").reshape(1, 4, 4, 2)
    for policy in ("float32", "mixed_bfloat16"):
        layer = MaxPoolingWithArgmax2D(dtype=policy)
        for out in (layer(x), layer(keras.Input((4, 4, 2), dtype="int32"))):
            assert [dtype(part) for part in out] == ["int32", "int32"]
    np.testing.assert_array_equal(layer(x)[0], x[:, 1::2, 1::2])


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({}, (1, 5, 2), ["rank 4", " 5, 2)"]),
        ({"pool_size": 6}, (1, 9, 5, 2), ["a window that fits", "spatial axis 1", "pool_size=6", "input=5"]),
        ({"pool_size": 0}, (1, 5, 5, 2), ["pool_size, an integer of at least 1 or 2 of them", "pool_size=0"]),
        ({"pool_size": 2.5}, (1, 5, 5, 2), ["pool_size", "pool_size=2.5"]),
        ({"pool_size": (2, 2, 2)}, (1, 5, 5, 2), ["pool_size", "pool_size=(2, 2, 2)"]),
        ({"strides": 0}, (1, 5, 5, 2), ["strides", "strides=0"]),
        ({"dilation_rate": 1.5}, (1, 5, 5, 2), ["dilation_rate", "dilation_rate=1.5"]),
        ({"padding": "half"}, (1, 5, 5, 2), ["padding, one of", "padding='half'"]),
        ({"padding": 3}, (1, 5, 5, 2), ["windows that each meet the input", "spatial axis 0", "padding=(3, 3)"]),
        ({"data_format": "NHWC"}, (1, 5, 5, 2), ["data_format, one of", "data_format='NHWC'"]),
        ({}, (1, 0, 5, 2), ["at least 1 cell on spatial axis 0", "size=0"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(MaxPoolingWithArgmax2D, kwargs, shape, *words)


@pytest.mark.parametrize("rank", [1, 3])
def test_refuses_in_other_ranks(rank):
    check_refusal(RANKS[rank], {}, (1, 5, 5, 2), f"rank {rank + 2}", " 5, 5, 2)")
    check_refusal(RANKS[rank], {"pool_size": 12}, SHAPES[rank], "a window that fits", "pool_size=12")


def test_refuses_what_int32_cannot_index():
    with pytest.raises(ValueError, match=r"MaxPoolingWithArgmax2D expects a sample of less than 2\^31 elements"):
        MaxPoolingWithArgmax2D()(keras.Input((2**15, 2**15, 2)))

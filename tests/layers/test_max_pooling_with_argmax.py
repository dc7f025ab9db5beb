"""MaxPoolingWithArgmax1D, 2D, 3D: the contract, the op with the layer's geometry, integer inputs, errors."""

import keras
import numpy as np
import pytest

from kzoo.layers import MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D
from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax
from tests.layer_checks import check_layer, dtype, same
from tests.layers.cases import POOL, SHAPES, Case, noise, pool_inputs

LAYER_CASES = {f"MaxPoolingWithArgmax{rank}D": Case(POOL, noise(*SHAPES[rank])) for rank in SHAPES}
RANKS = {1: MaxPoolingWithArgmax1D, 2: MaxPoolingWithArgmax2D, 3: MaxPoolingWithArgmax3D}


@pytest.mark.parametrize("cls", [MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D])
def test_contract(cls, tmp_path):
    check_layer(cls, *LAYER_CASES[cls.__name__], tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_passes_its_geometry_to_the_op(rank):
    x = noise(*SHAPES[rank])
    same(RANKS[rank](**POOL)(x), pool_inputs(x))  # by loops
    size = (3, 2, 2)[:rank]
    same(RANKS[rank](size, 1, 1, dilation_rate=2)(x), max_pool_with_argmax(x, size, 1, 1, 2))
    same(RANKS[rank]()(x), max_pool_with_argmax(x, 2, 2))  # strides as the window


def test_integers_stay_integers():
    """Keras does not cast integers; the symbolic output agrees, also under a mixed policy."""
    x = np.arange(32, dtype="int32").reshape(1, 4, 4, 2)
    for policy in ("float32", "mixed_bfloat16"):
        layer = MaxPoolingWithArgmax2D(dtype=policy)
        for out in (layer(x), layer(keras.Input((4, 4, 2), dtype="int32"))):
            assert [dtype(part) for part in out] == ["int32", "int32"]
    np.testing.assert_array_equal(layer(x)[0], x[:, 1::2, 1::2])


def test_refuses_what_int32_cannot_index():
    with pytest.raises(ValueError, match=r"MaxPoolingWithArgmax2D expects a sample of less than 2\^31 elements"):
        MaxPoolingWithArgmax2D()(keras.Input((2**15, 2**15, 2)))

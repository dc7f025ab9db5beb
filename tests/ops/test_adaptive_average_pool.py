"""Adaptive average pooling: the reference, plain pooling where sizes divide, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from kzoo.ops.adaptive_average_pool import split_into_bins
from tests import references
from tests.ops.cases import RANKS, Case, draw_adaptive, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(x, output_size):
    boxes, sizes = references.bins_of(x, output_size)
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for position, cells in boxes:
        for cell in cells:
            y[(slice(None), *position)] += x[(slice(None), *cell)].astype("float64") / len(cells)
    return y


OP_CASES = {"adaptive_average_pool": Case(ops.adaptive_average_pool, reference, draw_adaptive)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["adaptive_average_pool"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_with_sizes_that_divide_it_is_plain_pooling(seeds, rank):
    x = normal(seeds, 2, *(6, 4, 6)[:rank], 3)
    close(ops.adaptive_average_pool(x, 2), keras.ops.average_pool(x, (3, 2, 3)[:rank]))


def test_one_bin_is_the_mean_and_as_many_bins_as_cells_the_input(seeds):
    x = normal(seeds, 2, 5, 4, 3)
    close(ops.adaptive_average_pool(x, 1), x.mean((1, 2), keepdims=True))
    np.testing.assert_array_equal(ops.adaptive_average_pool(x, (5, 4)), x)
    np.testing.assert_array_equal(ops.adaptive_average_pool(x, None), x)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(1, 60))
def test_bins_cover_every_cell_and_differ_by_at_most_one(size, count):
    parts = [np.asarray(part) for part in split_into_bins(np.arange(size), 0, count)]
    lengths = {len(part) for part in parts}
    assert len(parts) == count and min(lengths) > 0 and max(lengths) - min(lengths) <= (2 if size % count else 0)
    assert set(np.concatenate(parts)) == set(range(size))
    if size % count == 0:
        assert len(np.concatenate(parts)) == size


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["adaptive_average_pool"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    """The mean of 5,000 ones is 1; a sum in half precision would stop at 2,048 or 256, or overflow on its way."""
    assert float(ops.adaptive_average_pool(tf.ones((1, 5000, 1), dtype), 1)[0, 0, 0]) == 1
    assert float(ops.adaptive_average_pool(60000 * tf.ones((1, 8, 1), dtype), 1)[0, 0, 0]) == 60000 - 96 * (
        dtype == "bfloat16"  # rounds 60,000 itself to 59,904
    )
    step = {"float16": 2**-10, "bfloat16": 2**-7}[dtype]  # rows' means rounded before their mean would give 1
    x = tf.constant([[1, 1 + step], [1 + step, 1 + step]], dtype)[None, :, :, None]
    assert float(ops.adaptive_average_pool(x, 1)[0, 0, 0, 0]) == 1 + step


def test_second_order_gradient():
    (got,) = second_order(lambda x: ops.adaptive_average_pool(x, 1), [[[3.0], [1.0]]])
    assert got.ravel().tolist() == [4, 4]  # loss ((a + b) / 2)^2, gradient (a + b) / 2 twice, squared (a + b)^2 / 2


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    assert ops.adaptive_average_pool(np.zeros((0, *(5,) * rank, 2)), 2).shape == (0, *(2,) * rank, 2)
    assert np.unique(ops.adaptive_average_pool(np.full((1, *(1,) * rank, 1), 3.0), 2)) == 3
    x = np.zeros((1, 4, 1))
    x[0, 0], x[0, 3] = np.inf, np.nan
    np.testing.assert_array_equal(np.ravel(ops.adaptive_average_pool(x, 4)), [np.inf, 0, 0, np.nan])


def test_unknown_channels_are_kept():
    graph = traced(lambda x: ops.adaptive_average_pool(x, 2), (None, None, None))
    close(graph(tf.ones((1, 3, 2))), np.ones((1, 2, 2)))


X = np.zeros((1, 4, 5, 2), "float32")
WORDS = "adaptive_average_pool expects output_size, an integer above 0 or None, or 2 of these; received output_size="


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2", (2,), (2, 0), (2, 2, 2), (2, 2.0), (None, False)])
def test_refuses_sizes(size):
    refuses(WORDS + repr(size), ops.adaptive_average_pool, X, size)


@pytest.mark.parametrize(
    "x, words",
    [
        (X.astype("int32"), "adaptive_average_pool expects floating x; received dtype="),
        (X.astype(bool), "floating x"),
        (X[0, 0], "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(5, 2)"),
        (X[None, None], "1 to 3 spatial axes"),
        (X[:, :0], "an input of at least 1 pixel on each axis; received shape=(1, 0, 5, 2)"),
        (keras.Input((4, 5, 2)), "the layer kzoo.layers.AdaptiveAveragePooling2D; received a KerasTensor"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.adaptive_average_pool, x, 2)

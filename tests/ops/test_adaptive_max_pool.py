"""Adaptive max pooling: the reference, plain pooling, which element wins, whole numbers, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_adaptive, numbers
from tests.ops.harness import CHECKS, refuses, second_order, traced


def reference(x, output_size):
    """(values, indices): the last NaN wins over all, otherwise the first of equal values."""
    boxes, sizes = references.bins_of(x, output_size)
    values = np.zeros((len(x), *sizes, x.shape[-1]), x.dtype)
    indices = np.zeros(values.shape, "int32")
    for position, cells in boxes:
        for b, c in np.ndindex(len(x), x.shape[-1]):
            best = cells[0]
            for cell in cells[1:]:
                value, leader = x[(b, *cell, c)], x[(b, *best, c)]
                if value > leader or np.isnan(value):
                    best = cell
            values[(b, *position, c)] = x[(b, *best, c)]
            indices[(b, *position, c)] = np.ravel_multi_index((*best, c), x.shape[1:])
    return values, indices


def draw(rng, rank, one, distinct):
    return draw_adaptive(rng, rank, one, distinct, ties=True)


def adaptive_max_pool(x, output_size):
    return ops.adaptive_max_pool(x, output_size, return_indices=True)


OP_CASES = {"adaptive_max_pool": Case(adaptive_max_pool, reference, draw)}
COMPILED = tf.function(adaptive_max_pool, jit_compile=True, autograph=False)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["adaptive_max_pool"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_with_sizes_that_divide_it_is_plain_pooling(seeds, rank):
    """Values and indices, ties included."""
    x = numbers(seeds, (2, *(6, 4, 6)[:rank], 2), distinct=False)
    with ops.no_islands():
        got, want = adaptive_max_pool(x, 2), ops.max_pool_with_argmax(x, (3, 2, 3)[:rank])
    for a, b in zip(got, want):
        np.testing.assert_array_equal(a, b)


def test_values_alone_are_the_same(seeds):
    x = numbers(seeds, (2, 7, 5, 2), distinct=False)
    np.testing.assert_array_equal(ops.adaptive_max_pool(x, (3, 2)), adaptive_max_pool(x, (3, 2))[0])


def test_as_many_bins_as_cells_are_the_input(seeds):
    x = numbers(seeds, (2, 5, 4, 3), distinct=True)
    for size in ((5, 4), None):
        values, indices = adaptive_max_pool(x, size)
        np.testing.assert_array_equal(values, x)
        np.testing.assert_array_equal(indices[1], np.arange(60).reshape(5, 4, 3))


@pytest.mark.parametrize("run", [adaptive_max_pool, COMPILED], ids=["island", "whole"])
@pytest.mark.parametrize(
    "rows, value, index",
    [
        ([[1, 5], [5, 5]], 5, 1),  # the first of equals, by rows
        ([[1, 2], [5, 5]], 5, 2),
        ([[1, np.nan], [np.nan, 9]], np.nan, 2),  # the last NaN
        ([[1, np.inf], [np.nan, 9]], np.nan, 2),
        ([[-np.inf, -np.inf], [-np.inf, -np.inf]], -np.inf, 0),
        ([[-np.inf, np.inf], [np.inf, 0]], np.inf, 1),
    ],
)
def test_who_wins(run, rows, value, index):
    values, indices = run(np.array(rows, "float32")[None, :, :, None], 1)
    np.testing.assert_array_equal(np.ravel(values), [value])
    assert np.ravel(indices).tolist() == [index]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "uint8", "int32", "int64", "uint16"])
def test_keeps_the_dtype(dtype):
    least = 0 if "float" in dtype else int(np.iinfo(dtype).min)
    values, indices = adaptive_max_pool(keras.ops.cast([[[least], [least], [5], [7]]], dtype), 2)
    assert values.dtype == dtype and indices.dtype == "int32"
    assert np.ravel(tf.cast(values, "float64")).tolist() == [least, 7] and np.ravel(indices).tolist() == [0, 3]


def test_only_the_winner_receives_the_gradient():
    """Bins of 3 elements over 2: the middle one belongs to both."""
    x = tf.constant([[[1.0], [4.0], [4.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ops.adaptive_max_pool(x, 2))
    assert np.ravel(tape.gradient(y, x)).tolist() == [0, 2, 0]


def test_second_order_gradient():
    (got,) = second_order(lambda x: ops.adaptive_max_pool(x, 1), [[[3.0], [-1.0]]])
    assert got.ravel().tolist() == [24, 0]  # as of a pool: 8 max at the maximum


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    values, indices = adaptive_max_pool(np.zeros((0, *(5,) * rank, 2)), 2)
    assert values.shape == indices.shape == (0, *(2,) * rank, 2)
    values, indices = adaptive_max_pool(np.full((1, *(1,) * rank, 1), 3.0), 2)
    assert np.unique(values) == 3 and np.unique(indices) == 0


X = np.zeros((1, 4, 5, 2), "float32")
WORDS = "adaptive_max_pool expects output_size, an integer above 0 or None, or 2 of these; received output_size="


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2", (2,), (2, 0), (2, 2, 2)])
def test_refuses_sizes(size):
    refuses(WORDS + repr(size), ops.adaptive_max_pool, X, size)


@pytest.mark.parametrize(
    "x, words",
    [
        (X.astype(bool), "adaptive_max_pool expects floating or integer x; received dtype="),
        (X.astype("complex64"), "floating or integer x"),
        (X[0, 0], "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(5, 2)"),
        (X[:, :0], "an input of at least 1 pixel on each axis; received shape=(1, 0, 5, 2)"),
        (keras.Input((4, 5, 2)), "the layer kzoo.layers.AdaptiveMaxPooling2D; received a KerasTensor"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.adaptive_max_pool, x, 2)


def test_refuses_what_int32_cannot_count():
    words = "a sample of less than 2^31 elements, to index by int32; received shape=(32768, 32768, 2)"
    refuses(words, traced, lambda x: adaptive_max_pool(x, 2), (1, 32768, 32768, 2))
    refuses("a known number of channels", traced, lambda x: adaptive_max_pool(x, 2), (1, 4, None))
    assert traced(lambda x: ops.adaptive_max_pool(x, 2), (1, 4, None)).structured_outputs.shape == (1, 2, None)

"""Max pooling with argmax: the reference, TensorFlow's pools, which element wins, padding, integers, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_pool, numbers
from tests.ops.harness import CHECKS, refuses, second_order, traced

OP_CASES = {"max_pool_with_argmax": Case(ops.max_pool_with_argmax, references.max_pool_with_argmax, draw_pool)}
INF = np.inf
COMPILED = tf.function(ops.max_pool_with_argmax, jit_compile=True, autograph=False)


def pooled(cells, *args, run=ops.max_pool_with_argmax, **kwargs):
    """Values and indices of a pool over a row of elements, as lists."""
    x = np.array(cells, "float32").reshape(1, -1, 1)
    return [np.ravel(part).tolist() for part in run(x, *args, **kwargs)]


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["max_pool_with_argmax"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_equals_tensorflow(seeds, padding):
    """Whose indices, without the batch, count as ours do; it knows no dilation."""
    x = numbers(seeds, (2, 7, 6, 3), distinct=True)
    values, indices = ops.max_pool_with_argmax(x, 3, 2, padding)
    theirs = tf.nn.max_pool_with_argmax(x, 3, 2, padding.upper())
    np.testing.assert_array_equal(values, theirs[0])
    np.testing.assert_array_equal(indices, theirs[1])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 999))
def test_indices_lead_to_the_values(n, k, s, d, seed):
    x = np.random.default_rng(seed).normal(size=(2, n, n + 1, 2)).astype("float32")
    with ops.no_islands():
        values, indices = map(np.asarray, ops.max_pool_with_argmax(x, k, s, ("replicate", "full"), d))
    assert indices.dtype == "int32" and indices.min() >= 0
    found = np.take_along_axis(x.reshape(2, -1), indices.reshape(2, -1), 1)
    np.testing.assert_array_equal(found, values.reshape(2, -1))
    np.testing.assert_array_equal(indices % 2, np.broadcast_to([0, 1], indices.shape))  # in its own channel


def uncompiled(*args):
    with ops.no_islands():
        return ops.max_pool_with_argmax(*args)


@pytest.mark.parametrize("run", [ops.max_pool_with_argmax, COMPILED, uncompiled], ids=["island", "whole", "plain"])
@pytest.mark.parametrize(
    "cells, padding, values, indices",
    [
        ([3, 3, 3], "valid", [3], [0]),  # the first of equals
        ([0, -0.0, 0], "valid", [0], [0]),
        ([1, np.nan, 2], "valid", [np.nan], [1]),  # NaN beats numbers, before it and after
        ([np.nan, INF, np.nan], "valid", [np.nan], [2]),  # and the last NaN wins
        ([INF, np.nan, INF], "valid", [np.nan], [1]),
        ([np.nan, 3, 4], 1, [np.nan, np.nan, 4], [0, 0, 2]),
        ([-INF, -INF, -INF], "valid", [-INF], [0]),
        ([-INF, -INF, -INF], ((1, 1),), [-INF] * 3, [0, 0, 1]),  # padding is no smaller, and yet never wins
        ([-INF], "full", [-INF] * 3, [0] * 3),
        ([INF, -INF, INF], "same", [INF] * 3, [0, 0, 2]),
        ([np.nan], "same", [np.nan], [0]),
        ([4, 5, 6], "circular", [6, 6, 6], [2, 2, 2]),  # copies lead to their source
        ([6, 5, 4], "reflect", [6, 6, 5], [0, 0, 1]),
        ([6, 5, 7], ("replicate", 2), [6, 6, 7, 7, 7], [0, 0, 2, 2, 2]),
    ],
)
def test_who_wins(run, cells, padding, values, indices):
    got = pooled(cells, 3, 1, padding, run=run)
    np.testing.assert_array_equal(got[0], values)
    assert got[1] == indices


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "uint8", "int32", "int64", "uint16"])
def test_keeps_the_dtype(dtype):
    """Whole numbers too, whose least value may stand in the sample."""
    least = 0 if "float" in dtype else int(np.iinfo(dtype).min)
    x = keras.ops.cast([[[least], [least], [5], [7]]], dtype)
    values, indices = ops.max_pool_with_argmax(x, 2, 1, 1)
    assert values.dtype == dtype and indices.dtype == "int32"
    assert np.ravel(tf.cast(values, "float64")).tolist() == [least, least, 5, 7, 7]
    assert np.ravel(indices).tolist() == [0, 0, 2, 3, 3]


def test_only_the_winner_receives_the_gradient():
    """Once for each window that it wins, ties included."""
    x = tf.constant([[[1.0], [4.0], [4.0], [2.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ops.max_pool_with_argmax(x, 2, 1)[0])
    assert np.ravel(tape.gradient(y, x)).tolist() == [0, 2, 1, 0]


def test_second_order_gradient():
    """Loss max^2: gradient 2 max, squared 4 max^2, and its gradient 8 max, at the maximum alone."""
    (got,) = second_order(lambda x: ops.max_pool_with_argmax(x, 2)[0], [[[3.0], [-1.0]]])
    assert got.ravel().tolist() == [24, 0]


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    values, indices = ops.max_pool_with_argmax(np.zeros((0, *(5,) * rank, 2)), 2)
    assert values.shape == indices.shape == (0, *(2,) * rank, 2)
    values, indices = ops.max_pool_with_argmax(np.full((1, *(1,) * rank, 1), 3.0), 1)
    assert np.ravel(values) == 3 and np.ravel(indices) == 0


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        (
            (5,),
            "a window that fits into the padded input on spatial axis 0; received ksize=5",
        ),
        ((2, 1, "valid", 4), "ksize=2, dilation=4, input=4, padding=(0, 0)"),
        ((0,), "ksize, an integer of at least 1 or 2 of them; received ksize=0"),
        (("2",), "ksize='2'"),
        ((None,), "ksize=None"),
        ((2, 0), "strides=0"),
        ((2, 1.5), "strides=1.5"),
        ((2, 2, "valid", True), "dilations=True"),
        ((2, 2, ("circular", 5)), "circular padding of at most 4; received padding=(5, 5), size=4"),
        (
            (2, 1, 2),
            "meet the input on spatial axis 0; received ksize=2, dilation=1, stride=1, input=4",
        ),
        ((2, 1, ((0, 0), (0, 2))), "windows that each meet the input on spatial axis 1"),
        ((2, 1, "full", 5), "windows that each meet the input on spatial axis 0; received ksize=2, dilation=5"),
        ((2, 1, "same", 6), "windows that each meet the input on spatial axis 0"),
    ],
)
def test_refuses_geometry(args, words):
    refuses(words, ops.max_pool_with_argmax, X, *args)


def test_refuses_a_window_that_same_leaves_in_the_padding():
    """A window of 2 elements, 5 apart, over 2 elements: centred, it meets neither."""
    refuses("stride=2, input=2, padding=(2, 2)", ops.max_pool_with_argmax, np.zeros((1, 2, 1)), 2, 2, "same", 5)
    assert references.windows((2,), 2, 2, "same", 5)[0][0][1] == [((0,), None), ((1,), None)]


@pytest.mark.parametrize(
    "x, words",
    [
        (np.zeros((4, 2)), "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(4, 2)"),
        (np.zeros((1, 2, 2, 2, 2, 2)), "1 to 3 spatial axes"),
        (np.zeros((1, 0, 4, 2)), "an input of at least 1 pixel on spatial axis 0; received size=0"),
        (np.zeros((1, 4, 2), bool), "floating or integer x; received dtype="),
        (np.full((1, 4, 2), "a"), "floating or integer x"),
        (np.zeros((1, 4, 2), "complex64"), "floating or integer x"),
        (keras.Input((4, 4, 2)), "the layer kzoo.layers.MaxPoolingWithArgmax2D; received a KerasTensor"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.max_pool_with_argmax, x, 2)


def test_refuses_what_int32_cannot_count():
    def pool(x):
        return ops.max_pool_with_argmax(x, 2)

    refuses("a sample of less than 2^31 elements, to index by int32; received shape=(32768, 32768, 2)", traced, pool,
            (1, 32768, 32768, 2))  # fmt: skip
    assert traced(pool, (1, 32768, 32767, 2)).structured_outputs[0].shape == (1, 16384, 16383, 2)
    refuses("a known number of channels; received shape=(1, 4, None)", traced, pool, (1, 4, None))

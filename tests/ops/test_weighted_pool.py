"""Weighted average pooling: the reference, plain averages, single elements, windows without weight, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_finite_pool, normal
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order, traced


def reference(x, weights, strides=None, padding="valid", dilations=1, ceil_mode=False):
    def product(offset):
        return math.prod(float(axis[o]) for axis, o in zip(weights, offset))

    return references.average_windows(x, product, tuple(map(len, weights)), strides, padding, dilations, ceil_mode)


def draw(rng, rank, one, distinct):
    """Some weights are 0, and so are all those that some windows have inside the sample."""
    (x,), kwargs = draw_finite_pool(rng, rank, one, distinct)
    weights = [rng.integers(0, 4, k) for k in references.per_axis(kwargs.pop("ksize"), rank)]
    weights = [[0.5 * int(w) for w in axis] if axis.any() else [1.0] * len(axis) for axis in weights]
    return Setting((x,), {"weights": weights, **kwargs})


OP_CASES = {"weighted_pool": Case(ops.weighted_pool, reference, draw)}
WHOLE = tf.function(ops.weighted_pool, jit_compile=True, autograph=False)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["weighted_pool"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", RANKS)
def test_equal_weights_are_average_pooling(seeds, rank, padding):
    """Which at the borders, too, is the mean of the elements that are there."""
    x = normal(seeds, 2, *(7, 6, 5)[:rank], 3)
    got = ops.weighted_pool(x, [[0.3] * 3] * rank, 2, padding)
    close(got, tf.nn.avg_pool(x, 3, 2, padding.upper()))


def test_one_weight_alone_picks_a_cell(seeds):
    x = normal(seeds, 2, 6, 7, 3)
    np.testing.assert_array_equal(ops.weighted_pool(x, [[0, 4, 0], [8, 0]], (2, 3)), x[:, 1:-1:2, ::3][:, :, :2])


def test_a_constant_stays_itself_at_every_border():
    x = np.full((1, 5, 4, 1), 3.0, "float32")
    for padding in ("same", "full", "circular", "reflect", ("replicate", 2), ((1, 0), (2, 1))):
        close(y := ops.weighted_pool(x, [[1, 2, 5], [4, 1, 3]], 1, padding), np.full(y.shape, 3.0))


def test_arrays_and_tensors_are_weights_too(seeds):
    x = normal(seeds, 1, 4, 5, 2)
    want = ops.weighted_pool(x, [[1, 2], [3, 4]])
    for weights in (np.array([[1, 2], [3, 4]], "int8"), (tf.constant([1.0, 2.0]), (3, 4))):
        np.testing.assert_array_equal(ops.weighted_pool(x, weights), want)


@pytest.mark.parametrize("run", [ops.weighted_pool, WHOLE], ids=["island", "whole"])
def test_a_window_without_weight_has_value_and_gradient_0(run):
    """One element of padding on either side: only the last window puts the weight on the sample's first element."""
    x = tf.constant([[[5.0], [7.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(x, [[2, 0, 0]], 1, 1)
    assert np.ravel(y).tolist() == [0, 5]
    assert np.ravel(tape.gradient(y, x)).tolist() == [1, 0]


def test_second_order_gradient():
    """y = (3 a + b) / 4, loss y^2, gradient 2 y w, squared 4 y^2 w.w, and its gradient 8 y (w.w) w."""
    (got,) = second_order(lambda x: ops.weighted_pool(x, [[3, 1]]), [[[1.0], [5.0]]])
    close(got.ravel(), 8 * 2 * 0.625 * np.array([0.75, 0.25]), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["weighted_pool"], rank, dtype)


@pytest.mark.parametrize("dtype, large", [("float16", 2048), ("bfloat16", 256)])
def test_half_precision_sums_in_float32(dtype, large):
    """The large number and 24 ones; in half precision the ones would be lost, and 200 times the number too large."""
    y = ops.weighted_pool(tf.constant([large, *[1] * 24], dtype)[None, :, None], [[200] * 25])
    assert y.dtype == dtype
    close(tf.cast(y, "float64"), np.float64([[[(large + 24) / 25]]]), 2**-8)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    weights = [[1, 2]] * rank
    assert ops.weighted_pool(np.zeros((0, *(5,) * rank, 2)), weights).shape == (0, *(2,) * rank, 2)
    assert set(np.ravel(ops.weighted_pool(np.full((1, *(1,) * rank, 1), 3.0), weights, 1, "full"))) == {3}


def test_unknown_channels_are_kept():
    graph = traced(lambda x: ops.weighted_pool(x, [[1, 3]]), (None, None, None))
    close(graph(tf.constant([[[3.0], [5.0]]])), np.float64([[[4.5]]]))


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize(
    "args, words",
    [(([[1] * args[0]] * 2, *args[1:]), words) for args, words in BAD_WINDOWS if args[0] in (2, 5) and args != (2.0,)],
)
def test_refuses_windows(args, words):
    refuses(words, ops.weighted_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("GaussianPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.weighted_pool, x, [[1, 1]] * 2)


@pytest.mark.parametrize(
    "weights",
    [
        [[1, 1]],
        [[1, 1]] * 3,
        [1, 1],
        5,
        None,
        "ab",
        [[1, 1], []],
        [[1, 1], [0, 0]],
        [[1, 1], [2, -1]],
        [[1, 1], [np.nan, 1]],
        [[1, 1], [np.inf, 1]],
        [[1, 1], [1, [2]]],
        [[1, 1], ["a"]],
        np.ones((3, 3)),
        [np.ones((2, 2))] * 2,
        [[1, 1], [1j, 1]],
        [[1, 1], keras.Input(())],
    ],
    ids=str,
)
def test_refuses_weights(weights):
    words = "weighted_pool expects weights, 2 vectors of numbers of at least 0, not all 0; received weights="
    refuses(words, ops.weighted_pool, X, weights)

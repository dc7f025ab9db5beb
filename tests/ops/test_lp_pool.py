"""Lp pooling: the reference, NumPy's norms, sizes that a plain power would lose, blank windows, and refusals."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_finite_pool, normal
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order, traced


def reference(x, ksize, strides=None, padding="valid", dilations=1, p=2.0, epsilon=0.0, ceil_mode=False):
    def root(values, offsets):
        del offsets
        sizes = np.abs(values)
        return sizes.max(1) if p == math.inf else (epsilon + (sizes**p).sum(1)) ** (1 / p)

    return references.pool_windows(root, x, ksize, strides, padding, dilations, ceil_mode)


def draw(rng, rank, one, distinct):
    """Signed values with different sizes, a quarter or more from 0, where a power has a slope.

    One channel is blank: there differences, as symmetric as the norm, are 0, and so must the slopes be.
    """
    (x,), kwargs = draw_finite_pool(rng, rank, one, distinct)
    turn = one["index"] if one else int(rng.integers(12))
    power = (1, 1.5, 2.0, 3, 7, math.inf)[turn % 6]
    epsilon = 0.0 if power == math.inf else (0.0, 0.5, 2.0)[turn % 3]
    x += np.float32(distinct / 4)
    x[0, ..., 0] *= not distinct
    return Setting((x,), {"p": power, "epsilon": epsilon, **kwargs})


OP_CASES = {"lp_pool": Case(ops.lp_pool, reference, draw, curved=True)}
POWERS = (1, 1.5, 2, 3, 7, math.inf)
WHOLE = tf.function(ops.lp_pool, jit_compile=True, autograph=False)


def pooled(cells, *args, **kwargs):
    """A pool over a row of elements, and the gradient of its sum, as arrays."""
    x = tf.constant(cells, kwargs.pop("dtype", "float32"))[None, :, None]
    run = kwargs.pop("run", ops.lp_pool)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(x, *args, **kwargs)
    return [np.ravel(tf.cast(part, "float64")) for part in (y, tape.gradient(y, x))]


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["lp_pool"], rank)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("p", POWERS)
def test_a_window_over_all_is_the_norm_of_numpy(seeds, p, rank):
    spatial = (4, 3, 2)[:rank]
    x = normal(seeds, 2, *spatial, 3)
    close(ops.lp_pool(x, spatial, p=p), np.linalg.norm(x.reshape(2, -1, 3), p, 1).reshape(2, *(1,) * rank, 3))


def test_infinity_is_the_max_pool_of_the_sizes(seeds):
    x = normal(seeds, 2, 6, 5, 3)
    want = ops.max_pool_with_argmax(np.abs(x), 3, 2, "same")[0]
    np.testing.assert_array_equal(ops.lp_pool(x, 3, 2, "same", p=math.inf), want)


@pytest.mark.parametrize("p, slopes", [(1, [1, -1]), (2, [0.6, -0.8]), (math.inf, [0, -1])])
def test_gradient(p, slopes):
    """sign(x) (|x| / y)^(p - 1)."""
    close(pooled([3.0, -4.0], 2, p=p)[1], np.float64(slopes))


@pytest.mark.parametrize("dtype, size", [("float16", 6e4), ("bfloat16", 3e38), ("float32", 3e38), ("float64", 1e308)])
@pytest.mark.parametrize("p", [7, 200])
def test_large_values_and_powers_do_not_overflow(p, dtype, size):
    """The norm of (size, size / 8, 0) is the largest value, but for 2^-21 of it."""
    y, slopes = pooled([size, size / 8, 0.0], 3, p=p, dtype=dtype)
    step = {"float16": 2**-10, "bfloat16": 2**-7}.get(dtype, 1e-5)
    close(y, np.float64([size]), step)
    close(slopes, np.float64([1, 8.0 ** (1 - p), 0]), step)


@pytest.mark.parametrize("dtype, size", [("float16", 2**-14), ("float32", 1e-30), ("float64", 1e-300)])
@pytest.mark.parametrize("p", [2, 7, 200])
def test_small_values_are_not_lost(p, dtype, size):
    """Their powers are less than the least number; the norm of two equal ones is not."""
    y, slopes = pooled([size, -size], 2, p=p, dtype=dtype)
    step = {"float16": 2**-9}.get(dtype, 1e-5)
    close(y / size, np.float64([2 ** (1 / p)]), step)
    close(slopes, np.array([1, -1]) * 2 ** (1 / p - 1), step)


@pytest.mark.parametrize("run", [ops.lp_pool, WHOLE], ids=["island", "whole"])
@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_blank_window_has_value_and_gradient_0(run, p, dtype):
    """And a blank element next to another has a slope of 0, but that of |x| at 0, which is 0 too."""
    y, slopes = pooled([0.0, -0.0, 0.0, 2.0], 2, p=p, dtype=dtype, run=run)
    np.testing.assert_array_equal(y, [0, 2])
    np.testing.assert_array_equal(slopes, [0, 0, 0, 1])


@pytest.mark.parametrize("p", [1, 1.5, 2, 7])
def test_epsilon(p):
    """What a blank window gives, to the power p; a window that is not blank has a smaller slope."""
    y, slopes = pooled([0.0, 0.0, 0.0, -1.0], 2, p=p, epsilon=3.0)
    close(y, np.float64([3 ** (1 / p), 4 ** (1 / p)]))
    close(slopes, np.float64([0, 0, 0, -(4 ** (1 / p - 1))]))


def test_nan_and_infinity():
    for p in POWERS:
        y, _ = pooled([np.nan, 1, 1, np.inf, -np.inf, 0], 2, p=p)
        np.testing.assert_array_equal(y, [np.nan, np.inf, np.inf])


def test_second_order_gradient():
    """Loss |x|^2: gradient 2 x, squared 4 |x|^2, and its gradient 8 x."""
    (got,) = second_order(lambda x: ops.lp_pool(x, 2), [[[3.0], [-4.0]]])
    close(got.ravel(), np.float64([24, -32]), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["lp_pool"], rank, dtype)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    assert ops.lp_pool(np.zeros((0, *(5,) * rank, 2)), 2).shape == (0, *(2,) * rank, 2)
    assert np.ravel(ops.lp_pool(np.full((1, *(1,) * rank, 1), -3.0), 1)) == 3
    np.testing.assert_array_equal(np.ravel(ops.lp_pool(np.full((1, *(1,) * rank, 1), -3.0), 3, 1, "same")), 3)


def test_unknown_channels_are_kept():
    graph = traced(lambda x: ops.lp_pool(x, 2), (None, None, None))
    close(graph(tf.constant([[[3.0], [4.0]]])), np.float64([[[5]]]))


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.lp_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("LPPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.lp_pool, x, 2)


@pytest.mark.parametrize("p", [0, 0.5, -1, -math.inf, math.nan, "2", None, True, [2], 2j])
def test_refuses_powers(p):
    refuses(f"lp_pool expects p, a number of at least 1; received p={p!r}", ops.lp_pool, X, 2, p=p)


@pytest.mark.parametrize("epsilon, p", [(-1, 2), (math.nan, 2), (math.inf, 2), ("0", 2), (True, 2), (1e-6, math.inf)])
def test_refuses_epsilons(epsilon, p):
    words = f"epsilon, a number of at least 0, and 0 where p is infinite; received epsilon={epsilon!r}, p={p!r}"
    refuses(words, ops.lp_pool, X, 2, p=p, epsilon=epsilon)

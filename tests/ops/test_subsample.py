"""Subsampling: the reference, average pooling, its coefficient, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_finite_pool, normal
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order


def reference(x, coefficient, ksize=2, strides=None, padding="valid", dilations=1, ceil_mode=False):
    def total(values, offsets):
        del offsets
        return coefficient * values.sum(1)

    return references.pool_windows(total, x, ksize, strides, padding, dilations, ceil_mode)


def draw(rng, rank, one, distinct):
    (x,), kwargs = draw_finite_pool(rng, rank, one, distinct)
    return Setting((x, normal(rng, 2)), kwargs)


OP_CASES = {"subsample": Case(ops.subsample, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["subsample"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_is_average_pooling_times_the_cells_and_the_coefficient(seeds, rank):
    x, coefficient = normal(seeds, 2, *(7, 6, 5)[:rank], 3), normal(seeds, 3)
    close(ops.subsample(x, coefficient), tf.nn.avg_pool(x, 2, 2, "VALID") * 2**rank * coefficient)


def test_empty_cells_add_nothing_and_copies_do():
    x = np.array([1.0, 2.0, 4.0], "float32").reshape(1, 3, 1)
    for padding, sums in (("same", [3, 7, 6]), ("replicate", [4, 7, 10]), ("circular", [7, 7, 7])):
        assert np.ravel(ops.subsample(x, [0.5], 3, 1, padding)).tolist() == [0.5 * s for s in sums]


def test_the_coefficient_receives_the_sums():
    coefficient = tf.constant([2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(coefficient)
        y = ops.subsample(tf.reshape(tf.range(8.0), (1, 4, 2)), coefficient)
    assert np.ravel(y).tolist() == [4, 12, 20, 36]
    assert tape.gradient(y, coefficient).numpy().tolist() == [12, 16]


def test_second_order_gradient():
    """y = c s with s = a + b, loss y^2: gradients 2 c^2 s twice and 2 c s^2, squared 8 c^4 s^2 + 4 c^2 s^4."""
    x, c = second_order(ops.subsample, [[[1.0], [2.0]]], [5.0])
    close(x.ravel(), np.float64([16 * 5**4 * 3 + 16 * 5**2 * 3**3] * 2), 1e-12)
    close(c, np.float64([32 * 5**3 * 3**2 + 8 * 5 * 3**4]), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["subsample"], rank, dtype)


@pytest.mark.parametrize("dtype, large", [("float16", 2048), ("bfloat16", 256)])
def test_half_precision_sums_in_float32(dtype, large):
    """The large number 30 times, too large a sum for float16, and 24 ones, which half precision would lose."""
    x = tf.constant([large] * 30 + [1] * 24, dtype)[None, :, None]
    y = ops.subsample(x, tf.constant([0.25], dtype), 54)
    assert y.dtype == dtype
    close(tf.cast(y, "float64"), np.float64([[[(large * 30 + 24) / 4]]]), {"float16": 2**-11, "bfloat16": 2**-9}[dtype])


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    empty, one = np.zeros((0, *(5,) * rank, 2), "float32"), np.full((1, *(1,) * rank, 2), 3, "float32")
    coefficient = np.array([2, -1], "float32")
    assert ops.subsample(empty, coefficient).shape == (0, *(2,) * rank, 2)
    assert np.ravel(ops.subsample(one, coefficient, 1)).tolist() == [6, -3]


X, ONES = np.zeros((1, 4, 5, 2), "float32"), np.ones(2, "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.subsample, X, ONES, *args)
    refuses("subsample expects", ops.subsample, X, ONES, *args)


@pytest.mark.parametrize("x, words", bad_samples("Subsampling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.subsample, x, ONES)


@pytest.mark.parametrize(
    "coefficient, words",
    [
        (np.ones(3, "float32"), "subsample expects coefficient (channels,); received x=(1, 4, 5, 2)"),
        (np.ones((1, 2), "float32"), "coefficient=(1, 2)"),
        (1.0, "coefficient=()"),
        (np.ones(2, "float64"), "x and coefficient of one dtype; received x='float32', coefficient='float64'"),
        (np.ones(2, "int32"), "x and coefficient of one dtype"),
        (keras.Input((2,)), "the layer kzoo.layers.Subsampling2D; received a KerasTensor"),
    ],
)
def test_refuses_coefficients(coefficient, words):
    refuses(words, ops.subsample, X, coefficient)

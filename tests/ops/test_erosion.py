"""Erosion: the reference, TensorFlow's and SciPy's, its bond with dilation, which element wins, and refusals."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_morphology, normal
from tests.ops.harness import CHECKS, bad_samples, close, half_precision, refuses, second_order
from tests.ops.test_dilation import KERNEL, KERNELS, WINDOWS, X


def reference(x, kernel, strides=1, padding="valid", dilations=1):
    size = kernel.shape[:-1]

    def bottom(values, offsets):
        opposite = [tuple(k - 1 - o for k, o in zip(size, offset)) for offset in offsets]
        return np.min([values[:, i] - kernel[o] for i, o in enumerate(opposite)], 0)

    return references.pool_windows(bottom, x, size, strides, padding, dilations)


OP_CASES = {"erosion": Case(ops.erosion, reference, draw_morphology)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["erosion"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides, dilations", [(1, 1), ((2, 3), 1), (1, (2, 1)), (2, 2)])
def test_equals_tensorflow(seeds, padding, strides, dilations):
    x, kernel = normal(seeds, 2, 7, 8, 3), normal(seeds, 3, 2, 3)
    pairs = [(1, *(a if isinstance(a, tuple) else (a, a)), 1) for a in (strides, dilations)]
    want = tf.nn.erosion2d(x, kernel, pairs[0], padding.upper(), "NHWC", pairs[1])
    close(ops.erosion(x, kernel, strides, padding, dilations), want, 1e-6)


def test_equals_scipy_which_mirrors_the_kernel(seeds):
    x, kernel = normal(seeds, 1, 8, 7, 1), normal(seeds, 3, 5, 1)
    want = scipy.ndimage.grey_erosion(x[0, ..., 0], structure=kernel[::-1, ::-1, 0])
    close(ops.erosion(x, kernel)[0, ..., 0], want[1:-1, 2:-2], 1e-6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3, 5]), st.integers(0, 999))
def test_opening_and_closing(height, width, size, seed):
    """Dilation of an erosion is never above x, erosion of a dilation never below, and neither changes the second time.

    So it is only where erosion is bound to dilation by x + k <= y: a kernel mirrored once too often breaks it.
    """
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (1, height, width, 2)).astype("float32")
    kernel = rng.integers(-4, 5, (size, 3, 2)).astype("float32")
    with ops.no_islands():
        opened, closed = x, x
        for time in range(2):
            before = opened, closed
            opened = np.asarray(ops.dilation(ops.erosion(opened, kernel, 1, "same"), kernel, 1, "same"))
            closed = np.asarray(ops.erosion(ops.dilation(closed, kernel, 1, "same"), kernel, 1, "same"))
            if time == 0:
                assert (opened <= x).all() and (closed >= x).all()
            else:
                np.testing.assert_array_equal([opened, closed], before)


@pytest.mark.parametrize("rank", RANKS)
def test_is_the_dilation_of_the_negative(seeds, rank):
    x, kernel = normal(seeds, 2, *(6, 5, 4)[:rank], 2), normal(seeds, *(2, 3, 2)[:rank], 2)
    mirrored = np.flip(kernel, range(rank))
    for padding in ("valid", "full", "circular"):
        want = -np.asarray(ops.dilation(-x, mirrored, 1, padding))
        np.testing.assert_array_equal(ops.erosion(x, kernel, 1, padding), want)


def test_a_kernel_of_zeros_is_the_minimum():
    y = ops.erosion([[[5.0], [2.0], [7.0], [9.0]]], [[0.0]] * 3, padding="same")
    assert np.ravel(y).tolist() == [2, 2, 2, 7]


def test_nan_wins():
    y = ops.erosion([[[np.nan], [1.0], [-np.inf], [np.nan], [0.0], [2.0]]], [[0.0], [1.0]])
    np.testing.assert_array_equal(np.ravel(y), [np.nan, -np.inf, np.nan, np.nan, -1])


def test_of_equal_differences_the_first_receives_the_gradient():
    """Differences x[p + o] - k[2 - o]: (3 - 2, 2 - 1, 1 - 0), all equal, then (0, 0, -4)."""
    x, kernel = tf.constant([[[3.0], [2.0], [1.0], [-4.0]]]), tf.constant([[0.0], [1.0], [2.0]])
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = ops.erosion(x, kernel)
    grads = tape.gradient(y, [x, kernel])
    assert np.ravel(y).tolist() == [1, -4]
    assert [np.ravel(g).tolist() for g in grads] == [[1, 0, 0, 1], [-1, 0, -1]]


def test_second_order_gradient():
    """y = x - k at the minimum, loss y^2: gradients 2 y and -2 y, squared 8 y^2, and their gradients 16 y and -16 y."""
    x, kernel = second_order(ops.erosion, [[[3.0], [-1.0]]], [[1.0], [0.0]])
    assert x.ravel().tolist() == [0, -32] and kernel.ravel().tolist() == [32, 0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["erosion"], 2, dtype)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    kernel = np.full((*(2,) * rank, 2), 0.5, "float32")
    assert ops.erosion(np.zeros((0, *(5,) * rank, 2), "float32"), kernel, 2).shape == (0, *(2,) * rank, 2)
    one = np.full((1, *(1,) * rank, 2), 3, "float32")
    assert np.unique(ops.erosion(one, kernel, 1, "full")).tolist() == [2.5]


@pytest.mark.parametrize("args, words", WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.erosion, X, *args)
    refuses("erosion expects", ops.erosion, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("Erosion2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.erosion, x, KERNEL)


@pytest.mark.parametrize("kernel, words", [*KERNELS, (keras.Input((2, 2, 2)), "the layer kzoo.layers.Erosion2D")])
def test_refuses_kernels(kernel, words):
    refuses(words, ops.erosion, X, kernel)

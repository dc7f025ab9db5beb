"""Dilation: the reference, TensorFlow's and SciPy's, which element wins, holes in the kernel, and refusals."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_morphology, normal, numbers
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order, traced


def reference(x, kernel, strides=1, padding="valid", dilations=1):
    def top(values, offsets):
        return np.max([values[:, i] + kernel[offset] for i, offset in enumerate(offsets)], 0)

    return references.pool_windows(top, x, kernel.shape[:-1], strides, padding, dilations)


OP_CASES = {"dilation": Case(ops.dilation, reference, draw_morphology)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["dilation"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides, dilations", [(1, 1), ((2, 3), 1), (1, (2, 1)), (2, 2)])
def test_equals_tensorflow(seeds, padding, strides, dilations):
    x, kernel = normal(seeds, 2, 7, 8, 3), normal(seeds, 3, 2, 3)
    pairs = [(1, *(a if isinstance(a, tuple) else (a, a)), 1) for a in (strides, dilations)]
    want = tf.nn.dilation2d(x, kernel, pairs[0], padding.upper(), "NHWC", pairs[1])
    close(ops.dilation(x, kernel, strides, padding, dilations), want, 1e-6)


def test_equals_scipy_which_mirrors_the_kernel(seeds):
    x, kernel = normal(seeds, 1, 8, 7, 1), normal(seeds, 3, 5, 1)
    want = scipy.ndimage.grey_dilation(x[0, ..., 0], structure=kernel[::-1, ::-1, 0])
    close(ops.dilation(x, kernel)[0, ..., 0], want[1:-1, 2:-2], 1e-6)


@pytest.mark.parametrize("rank", RANKS)
def test_a_kernel_of_zeros_is_max_pooling(seeds, rank):
    x = normal(seeds, 2, *(7, 6, 5)[:rank], 3)
    want = ops.max_pool_with_argmax(x, 3, 2, "same")[0]
    np.testing.assert_array_equal(ops.dilation(x, np.zeros((*(3,) * rank, 3), "float32"), 2, "same"), want)


def test_a_hole_in_the_kernel_leaves_cells_out(seeds):
    """Entries of minus infinity: the rest is a kernel of its own; and next to empty elements nothing becomes NaN."""
    x = normal(seeds, 2, 6, 3)
    kernel = np.array([0, -np.inf, -np.inf, 1], "float32")[:, None] + np.zeros(3, "float32")
    want = np.maximum(x[:, :-3], x[:, 3:] + 1)
    np.testing.assert_array_equal(ops.dilation(x, kernel), want)
    assert np.ravel(ops.dilation([[[5.0]]], [[-np.inf], [0.0], [0.0]], padding=1)).tolist() == [5]
    assert np.ravel(ops.dilation([[[5.0]]], [[-np.inf], [0.0]], padding="full")).tolist() == [5, -np.inf]


def test_nan_wins():
    y = ops.dilation([[[np.nan], [1.0], [2.0], [np.inf], [np.nan], [0.0]]], [[0.0], [1.0]])
    np.testing.assert_array_equal(np.ravel(y), [np.nan, 3, np.inf, np.nan, np.nan])


def test_of_equal_sums_the_first_receives_the_gradient():
    """The element and the kernel's entry, once for each window."""
    x, kernel = tf.constant([[[2.0], [1.0], [0.0], [3.0]]]), tf.constant([[0.0], [1.0], [2.0]])
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = ops.dilation(x, kernel)
    grads = tape.gradient(y, [x, kernel])
    assert np.ravel(y).tolist() == [2, 5]
    assert [np.ravel(g).tolist() for g in grads] == [[1, 0, 0, 1], [1, 0, 1]]


def test_second_order_gradient():
    """y = x + k at the maximum, loss y^2: gradients 2 y twice, squared 8 y^2, and their gradient 16 y."""
    x, kernel = second_order(ops.dilation, [[[3.0], [-1.0]]], [[-1.0], [0.0]])
    assert x.ravel().tolist() == [32, 0] and kernel.ravel().tolist() == [32, 0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["dilation"], rank, dtype)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    kernel = np.full((*(2,) * rank, 2), 0.5, "float32")
    assert ops.dilation(np.zeros((0, *(5,) * rank, 2), "float32"), kernel, 2).shape == (0, *(2,) * rank, 2)
    one = np.full((1, *(1,) * rank, 2), 3, "float32")
    assert np.unique(ops.dilation(one, kernel, 1, "full")).tolist() == [3.5]


def test_unknown_sizes_are_kept():
    graph = traced(lambda x: ops.dilation(x, tf.zeros((2, 1))), (None, None, 1))
    np.testing.assert_array_equal(graph(tf.constant([[[3.0], [5.0]]])), [[[5]]])


X, KERNEL = numbers(np.random.default_rng(0), (1, 4, 5, 2), distinct=True), np.zeros((2, 2, 2), "float32")
# (the kernel's size, strides, padding, dilations): what a pool refuses, but for a size that is none
WINDOWS = [
    ((np.zeros((args[0], args[0], 2), "float32"), *args[1:]), words)
    for args, words in BAD_WINDOWS
    if args[0] in (2, 5) and isinstance(args[0], int)
]


@pytest.mark.parametrize("args, words", WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.dilation, X, *args)
    refuses("dilation expects", ops.dilation, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("Dilation2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.dilation, x, KERNEL)


KERNELS = [
    (KERNEL[0], "expects kernel (*size, channels); received x=(1, 4, 5, 2), kernel=(2, 2)"),
    (KERNEL[None], "kernel=(1, 2, 2, 2)"),
    (KERNEL[..., :1], "kernel=(2, 2, 1)"),
    (KERNEL[:0], "an integer of at least 1 or 2 of them"),
    (KERNEL.astype("float64"), "expects x and kernel of one dtype; received x="),
    (KERNEL.astype("int32"), "expects x and kernel of one dtype"),
]


@pytest.mark.parametrize("kernel, words", [*KERNELS, (keras.Input((2, 2, 2)), "the layer kzoo.layers.Dilation2D")])
def test_refuses_kernels(kernel, words):
    refuses(words, ops.dilation, X, kernel)

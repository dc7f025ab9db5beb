"""The locally connected op: the reference, equal kernels are a convolution, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_tiled, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses, traced


def reference(x, kernel, **geometry):
    rank = x.ndim - 2
    size = kernel.shape[rank : 2 * rank]
    return references.sum_windows(x, kernel, size, lambda position: kernel[position], **geometry)


def draw(rng, rank, one, distinct):
    return draw_tiled(rng, rank, one, distinct, local=True)


OP_CASES = {"locally_connected": Case(ops.locally_connected, reference, draw, free=False)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["locally_connected"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_equal_kernels_are_convolution(seeds, rank):
    x, kernel = normal(seeds, 2, *(5,) * rank, 2), normal(seeds, *(2,) * rank, 2, 4)
    with ops.no_islands():
        local = ops.locally_connected(x, np.broadcast_to(kernel, (*(3,) * rank, *kernel.shape)), 2, "same", 2)
    close(local, ops.conv(x, kernel, 2, "same", 2))


def test_each_position_has_a_kernel_of_its_own(seeds):
    """The gradient of one output reaches one kernel."""
    x, kernel = tf.constant(normal(seeds, 1, 5, 1)), tf.constant(normal(seeds, 3, 3, 1, 1))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        y = ops.locally_connected(x, kernel)[0, 1, 0]
    grad = np.asarray(tape.gradient(y, kernel))
    np.testing.assert_array_equal(grad[1, :, :, 0], x[0, 1:4])
    assert not grad[0].any() and not grad[2].any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["locally_connected"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    got = ops.locally_connected(tf.ones((1, 3, 1700), dtype), tf.ones((1, 3, 1700, 1), dtype))
    assert abs(float(got[0, 0, 0]) - 5100) <= 5100 * 2**-8  # a float16 sum would stop at 2,048, a bfloat16 sum at 256


def test_edges():
    assert ops.locally_connected(np.zeros((0, 5, 2)), np.zeros((3, 3, 2, 4))).shape == (0, 3, 4)
    one = ops.locally_connected(np.full((2, 1, 1, 1), 3.0), np.full((1, 1, 1, 1, 1, 1), 2.0))
    np.testing.assert_array_equal(one, np.full((2, 1, 1, 1), 6.0))


X, K = np.zeros((1, 5, 4), "float32"), np.zeros((3, 3, 4, 2), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        (
            (X, K[:2]),
            "locally_connected expects one kernel for each output position; received output=(3,)",
        ),
        ((X, K[0]), "kernel (*output, *size, channels, filters); received x=(1, 5, 4), kernel=(3, 4, 2)"),
        ((X, K[..., :2, :]), "kernel channels equal to the input's"),
        ((X, K.astype("float64")), "x and kernel of one dtype"),
        ((X, K, 2), "one kernel for each output position; received output=(2,)"),
        ((X, K, 1, "half"), "padding='half'"),
        ((X, K, (1, 1)), "strides=(1, 1)"),
        ((keras.Input((5, 4)), K), "the layer kzoo.layers.LocallyConnected1D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.locally_connected, *args)


def test_refuses_unknown_sizes():
    """The kernel's shape depends on them."""
    words = "one kernel for each output position; received output=(None,)"
    refuses(words, traced, ops.locally_connected, (1, None, 4), (3, 3, 4, 2))

"""Convolution with a kernel for each position: patches and their adjoint, gradients, float32 sums, islands' outputs."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo.ops.local_conv import local_conv, patches, sum_patches
from kzoo.ops.views import window
from kzoo.ops.xla import no_islands
from tests.ops.harness import close, second_order


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_sum_patches_is_the_adjoint_of_patches(data):
    """<patches(x), c> = <x, sum_patches(c)>, in whole numbers; windows may skip elements, dilations leave gaps."""
    rank = data.draw(st.integers(1, 3))
    few = st.tuples(*[st.integers(1, 3)] * rank)
    size, strides, dilations, output, spare = (data.draw(few) for _ in range(5))
    win = window("local", rank, size, strides, "valid", dilations)
    spatial = [
        (n - 1) * s + (k - 1) * d + 1 + min(more, s) - 1
        for n, s, k, d, more in zip(output, strides, size, dilations, spare)
    ]
    assert win.output(spatial) == output
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-9, 10, (*spatial, 2, 3)).astype("float32")
    got = np.asarray(patches(x, win, output, -1))
    swapped = patches(np.swapaxes(x, -1, -2), win, output, -2)
    np.testing.assert_array_equal(np.swapaxes(swapped, -1, -2), got)
    cotangents = rng.integers(-9, 10, got.shape).astype("float32")
    back = np.asarray(sum_patches(tf.constant(cotangents), win, spatial))
    assert back.shape == x.shape and (got * cotangents).sum() == (x * back).sum()


def test_patches_are_in_row_major_order():
    x = np.arange(12.0).reshape(3, 4, 1, 1)
    got = patches(x, window("local", 2, (2, 3), 1, "valid", 1), (2, 2), -1)
    np.testing.assert_array_equal(got[1, 0, 0], [4, 5, 6, 8, 9, 10])


def test_second_order_gradient():
    """As of a convolution, for each of two positions with kernels of their own; as islands too."""
    x, k = np.array([3.0, -1.0]), np.array([2.0, 5.0])
    got = second_order(
        lambda x, k: local_conv(x, k, window("local", 1, 1, 1, "valid", 1)), x.reshape(1, 2, 1), k.reshape(2, 1, 1, 1)
    )
    want = 8 * x * k**4 + 16 * x**3 * k**2, 16 * x**2 * k**3 + 8 * x**4 * k
    close([g.ravel() for g in got], want, 1e-12)


def test_gradients_sum_in_float32():
    """300 windows read one element, 300 samples one kernel: a bfloat16 sum would stop at 256."""
    many, dtype = 300, "bfloat16"
    win = window("local", 1, many, 1, "valid", 1)
    with no_islands(), tf.GradientTape() as tape:
        x, kernel = tf.ones((1, 2 * many - 1, 1), dtype), tf.ones((many, many, 1, 1), dtype)
        tape.watch(x)
        y = local_conv(x, kernel, win)
    assert abs(float(tape.gradient(y, x)[0, many - 1, 0]) - many) <= many * 2**-8
    with tf.GradientTape() as tape:
        x, kernel = tf.ones((many, 1, 1), dtype), tf.ones((1, 1, 1, 1), dtype)
        tape.watch(kernel)
        y = local_conv(x, kernel, window("local", 1, 1, 1, "valid", 1))
    assert abs(float(tape.gradient(y, kernel)[0, 0, 0, 0]) - many) <= many * 2**-8


def test_islands_hand_out_nothing_but_results():
    """Islands return neither patches nor copies of x and the kernel for the gradient."""

    @tf.function
    def step(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            y = local_conv(x, kernel, window("local", 1, 3, 1, "valid", 1))
        return tape.gradient(y, kernel)

    graph = step.get_concrete_function(tf.ones((2, 7, 3)), tf.ones((5, 3, 3, 4))).graph
    calls = [op for op in graph.get_operations() if op.type in ("PartitionedCall", "StatefulPartitionedCall")]
    assert sorted(len(op.outputs) for op in calls) == [1, 1, 1]

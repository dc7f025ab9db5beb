"""Division and roots that are 0 at 0: values, first and second order gradients, in every dtype and compiled."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.ops import safe_math
from tests.ops.harness import close

DTYPES = ["float16", "float32", "float64"]


def run(fn, *numbers, dtype="float32", jit=False):
    """Value and gradients of `fn`'s sum, as arrays."""
    inputs = [tf.constant(part, dtype) for part in numbers]

    def both(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = fn(*inputs)
        return y, *tape.gradient(y, inputs)

    out = tf.function(both, jit_compile=True, autograph=False)(*inputs) if jit else both(*inputs)
    assert all(part.dtype == dtype for part in out)
    return [part.numpy() for part in out]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_divide(dtype, jit):
    """Slopes 1 / b and -a / b^2, and 0 for both where b is 0, whatever a is and whatever the sign of that 0."""
    y, a, b = run(safe_math.divide, [6, 1, -2, 0, 0, 5], [2, -4, 0, 0, 8, -0.0], dtype=dtype, jit=jit)
    np.testing.assert_array_equal(y, [3, -0.25, 0, 0, 0, 0])
    np.testing.assert_array_equal(a, [0.5, -0.25, 0, 0, 0.125, 0])
    np.testing.assert_array_equal(b, [-1.5, -0.0625, 0, 0, 0, 0])


def test_divide_spreads_like_a_division():
    y, a, b = run(safe_math.divide, [[1.0, 2.0], [3.0, 4.0]], [[2.0], [0.0]])
    assert y.tolist() == [[0.5, 1], [0, 0]] and a.tolist() == [[0.5, 0.5], [0, 0]] and b.tolist() == [[-0.75], [0]]


def test_divide_hides_no_nan_and_infinity():
    y, *_ = run(safe_math.divide, [np.nan, np.inf, 1, 1], [1, 2, np.nan, np.inf])
    np.testing.assert_array_equal(y, [np.nan, np.inf, np.nan, 0])


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("degree", [1, 1.5, 2, 3, 7])
@pytest.mark.parametrize("dtype", DTYPES)
def test_root(dtype, degree, jit):
    """Slope a^(1 / degree - 1) / degree, and 0 at 0, where the formula's is infinite."""
    a = np.float64([0, 1, 2, 9])
    step = {"float16": 2**-9}.get(dtype, 1e-6)
    y, slope = run(lambda a: safe_math.root(a, degree), a, dtype=dtype, jit=jit)
    close(y, a ** (1 / degree), step)
    close(slope[1:], a[1:] ** (1 / degree - 1) / degree, step)
    assert y[0] == slope[0] == 0


def test_root_is_the_square_root_by_default():
    assert run(safe_math.root, [9.0, 16.0])[0].tolist() == [3, 4]


def test_root_hides_no_nan_and_infinity():
    for degree in (2, 3):
        np.testing.assert_array_equal(
            run(lambda a, n=degree: safe_math.root(a, n), [np.nan, np.inf])[0], [np.nan, np.inf]
        )


@pytest.mark.parametrize("degree", [2, 3])
def test_second_order_slopes_at_0(degree):
    """Are 0 too; those of a plain `where` would be NaN."""
    a = tf.constant([0.0, 1.0])
    with tf.GradientTape() as outer:
        outer.watch(a)
        with tf.GradientTape() as inner:
            inner.watch(a)
            y = safe_math.divide(safe_math.root(a, degree), a)
        slope = inner.gradient(y, a)
    power = 1 / degree - 1
    close(slope, np.float32([0, power]))
    close(outer.gradient(slope, a), np.float32([0, power * (power - 1)]))

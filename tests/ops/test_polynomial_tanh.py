"""The tanh of a polynomial: the reference, the scaled tanh, shared and separate parameters, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(x, a, b):
    """One amplitude and polynomial for all, or one for each channel."""
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        amplitude = a if a.ndim == 0 else a[place[-1]]
        coefficients = b if b.ndim == 1 else b[:, place[-1]]
        inner = sum(float(coefficient) * float(x[place]) ** i for i, coefficient in enumerate(coefficients))
        y[place] = float(amplitude) * math.tanh(inner)
    return y


def draw(rng, rank, one, distinct):
    """Amplitudes and coefficients shared by all channels, and one for each channel."""
    del one, distinct
    a, b = ((3,) if rng.random() < 0.5 else () for _ in "ab")
    b = normal(rng, int(rng.integers(2, 5)), *b) / 2  # gentle slopes: a steep one multiplies the rounding of x
    return Setting((normal(rng, *sites(rng, rank, 3)), normal(rng, *a), b), {})


OP_CASES = {"polynomial_tanh": Case(ops.polynomial_tanh, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["polynomial_tanh"], rank)


def test_of_a_line_through_0_is_the_scaled_tanh(seeds):
    x = normal(seeds, 2, 4, 5, 3)
    for shape in ((), (3,)):
        a, b = np.full(shape, 1.7159, "float32"), np.stack([np.zeros(shape), np.full(shape, 2 / 3)]).astype("float32")
        close(ops.polynomial_tanh(x, a, b), ops.scaled_tanh(x))


def test_coefficients_are_in_rising_order():
    """2 tanh(1 + 3 x^2) of 0.5; the constant first."""
    got = ops.polynomial_tanh([[0.5]], 2.0, [1.0, 0.0, 3.0])
    close(got, np.array([[2 * np.tanh(1.75)]]))


def test_a_constant_is_a_constant():
    """Of degree 0, whatever the input, in the input's shape."""
    got = ops.polynomial_tanh(np.ones((2, 4, 3)), np.float64(2), np.array([[0.5, 1.0, -1.0]]))
    close(got, np.broadcast_to(2 * np.tanh([0.5, 1, -1]), (2, 4, 3)), 1e-12)
    assert ops.polynomial_tanh(np.ones((2, 4, 3)), np.float64(2), np.array([0.5])).shape == (2, 4, 3)


def test_of_dense_layers(seeds):
    x, a, b = normal(seeds, 5, 3), normal(seeds, 3), normal(seeds, 4, 3)
    close(ops.polynomial_tanh(x, a, b), reference(x, a, b))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["polynomial_tanh"], rank, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_computes_in_float32(dtype):
    """1,000 squared is no float16, yet 1,000^2 - 1,000 * 1,000 is 0."""
    got = ops.polynomial_tanh(tf.constant([[1000.0]], dtype), *(tf.constant(v, dtype) for v in (1.0, [0.5, -1000, 1])))
    assert float(got[0, 0]) == pytest.approx(np.tanh(0.5), rel=2**-8)


def test_second_order_gradient():
    """Of small arguments a tanh is its argument: loss (a b x)^2 with a b = 1, so the squared gradient is 4 x^2."""
    (got,) = second_order(lambda x: ops.polynomial_tanh(x, np.float64(1e5), np.array([0, 1e-5])), [[3.0]])
    close(got, np.array([[24.0]]), 1e-8)


def test_sizes_that_are_not_known():
    graph = traced(lambda x: ops.polynomial_tanh(x, 2.0, [0.0, 1.0]), (None, None, 3))
    close(graph(tf.ones((2, 5, 3))), np.full((2, 5, 3), 2 * np.tanh(1)))


def test_edges():
    for b in ([0.5], [0.5, 1.0]):
        assert ops.polynomial_tanh(np.zeros((0, 5, 2), "float32"), 1.0, b).shape == (0, 5, 2)
    assert not np.any(ops.polynomial_tanh(np.zeros((1, 4, 3), "float32"), 2.0, [0.0, 1.0, 1.0]))
    assert np.ravel(ops.polynomial_tanh([[0.0]], 2.0, [1.0, 1.0])) == [2 * np.tanh(np.float32(1))]


X, A, B = np.zeros((1, 4, 3), "float32"), np.zeros(3, "float32"), np.zeros((2, 3), "float32")


@pytest.mark.parametrize(
    "x, a, b, words",
    [
        (X[0, 0], A, B, "polynomial_tanh expects x (batch, ..., channels); received shape=(3,)"),
        (X.astype("int32"), A, B, "polynomial_tanh expects floating x; received dtype="),
        (X, A[:2], B, "polynomial_tanh expects a, () or (channels,); received a=(2,), x=(1, 4, 3)"),
        (X, A[:1], B, "a=(1,)"),
        (X, B, B, "a=(2, 3)"),
        (X, A, B[:, :2], "polynomial_tanh expects b, (degree + 1,) or (degree + 1, channels); received b=(2, 2), x="),
        (X, A, B[:, :1], "b=(2, 1)"),
        (X, A, B[:0], "b=(0, 3)"),
        (X, A, B[None], "b=(1, 2, 3)"),
        (X, A, np.float32(1), "b=()"),
        (X, A.astype("float64"), B, "polynomial_tanh expects x, a and b of one dtype; received x="),
        (X, A, B.astype("float64"), "x, a and b of one dtype"),
        (keras.Input((4, 3)), A, B, "the layer kzoo.layers.PolynomialTanh; received a KerasTensor=(None, 4, 3)"),
        (X, keras.KerasTensor((3,)), B, "the layer kzoo.layers.PolynomialTanh; received a KerasTensor=(3,)"),
    ],
)
def test_refuses(x, a, b, words):
    refuses(words, ops.polynomial_tanh, x, a, b)

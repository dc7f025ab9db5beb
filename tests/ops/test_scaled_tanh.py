"""The scaled tanh: the reference, LeCun's values, precisions, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order


def reference(x, amplitude=1.7159, slope=2 / 3):
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        y[place] = amplitude * math.tanh(slope * float(x[place]))
    return y


def draw(rng, rank, one, distinct):
    del one, distinct
    x = normal(rng, *sites(rng, rank, 3))
    return Setting((x,), {name: float(rng.uniform(-2, 2)) for name in ("amplitude", "slope") if rng.random() < 0.7})


OP_CASES = {"scaled_tanh": Case(ops.scaled_tanh, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["scaled_tanh"], rank)


def test_lecuns_values():
    """f(1) = 1 and f(-1) = -1, to the four digits of 1.7159; flat at 1.7159; steepest at 0, 1.7159 * 2 / 3."""
    got = np.asarray(ops.scaled_tanh([-1e3, -1.0, 0.0, 1.0, 1e3]))
    np.testing.assert_allclose(got, [-1.7159, -1, 0, 1, 1.7159], atol=5e-5)
    with tf.GradientTape() as tape:
        x = tf.Variable(0.0)
        y = ops.scaled_tanh(x)
    assert float(tape.gradient(y, x)) == pytest.approx(1.7159 * 2 / 3)


def test_is_odd(seeds):
    x = normal(seeds, 3, 4)
    np.testing.assert_array_equal(ops.scaled_tanh(-x), -ops.scaled_tanh(x))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 5, 2), (2, 3), (1, 1, 1, 1, 1, 1, 1)])
def test_takes_any_shape(shape):
    got = ops.scaled_tanh(np.ones(shape), 2.0, 0.5)
    close(got, np.full(shape, 2 * np.tanh(0.5)), 1e-12)


def test_infinities_and_nan():
    got = ops.scaled_tanh([[np.inf, -np.inf, np.nan]], 2.0)
    np.testing.assert_array_equal(got, [[2, -2, np.nan]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["scaled_tanh"], rank, dtype)


def test_second_order_gradient():
    """Of a slope so small that it is a line: loss (s x)^2, squared gradient 4 s^4 x^2."""
    (got,) = second_order(lambda x: ops.scaled_tanh(x, 1e5, 1e-5), [[3.0]])
    close(got, np.array([[24.0]]), 1e-8)


@pytest.mark.parametrize(
    "x, words",
    [
        (np.zeros((2, 3), "int32"), "scaled_tanh expects floating x; received dtype="),
        (np.zeros((2, 3), bool), "floating x"),
        (np.zeros((2, 3), "complex64"), "floating x"),
        (keras.Input((4, 5, 2)), "the layer kzoo.layers.ScaledTanh; received a KerasTensor=(None, 4, 5, 2)"),
    ],
)
def test_refuses(x, words):
    refuses(words, ops.scaled_tanh, x)


@pytest.mark.parametrize("name", ["amplitude", "slope"])
@pytest.mark.parametrize("value", ["2", None])
def test_refuses_settings(name, value):
    refuses(f"scaled_tanh expects {name}, a number", ops.scaled_tanh, np.ones((2, 3)), **{name: value})

"""The squashing of capsules: the reference, lengths, the blank vector, sizes that overflow, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses


def draw(rng, rank, one, distinct):
    """Along any axis of at least 2 elements: for a single number the curve has a kink at 0."""
    axis = int(rng.choice([-1, rank + 1, 1])) if one is None else {4: 1, 9: rank + 1}.get(one["index"], -1)
    shape = list(sites(rng, rank, int(rng.integers(2, 6))))
    shape[axis] = max(shape[axis], 2)
    x = normal(rng, *shape)
    if not distinct:
        x[rng.random(x.shape) < 0.3] = 0
    return Setting((x,), {"axis": axis})


OP_CASES = {"squash": Case(ops.squash, references.squash, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["squash"], rank)


def test_lengths(seeds):
    """n^2 / (1 + n^2) of a vector of length n, which keeps its direction."""
    x = normal(seeds, 50, 8) * np.float32(10.0) ** seeds.integers(-3, 4, (50, 1)).astype("float32")
    y = np.asarray(ops.squash(x))
    n = np.linalg.norm(x.astype("float64"), axis=1)
    lengths = np.linalg.norm(y, axis=1)
    close(lengths, n**2 / (1 + n**2))
    np.testing.assert_allclose(y / lengths[:, None], x / n[:, None], rtol=0, atol=1e-5)
    assert (lengths[n < 100] < 1).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_blank_vector_has_value_and_gradient_0(dtype):
    x = tf.zeros((2, 3), dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.squash(x)
    assert not np.any(y) and not np.any(tape.gradient(y, x))


def test_gradient_along_the_vector():
    """d/dn of n^2 / (1 + n^2) is 2 n / (1 + n^2)^2; across it the length n / (1 + n^2) turns."""
    x = tf.constant([[2.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.squash(x)
    close(tape.jacobian(y, x)[0, :, 0], np.diag([4 / 25, 2 / 5]))


def test_large_vectors_keep_their_direction():
    """Also where the square of the length is more than the largest number."""
    close(ops.squash([[3e30, 4e30]]), np.float64([[0.6, 0.8]]))
    close(ops.squash(tf.constant([[300.0, 400.0]], "float16")), np.float64([[0.6, 0.8]]), 2**-10)
    close(ops.squash(np.float64([[3e200, 0.0]])), np.float64([[1.0, 0.0]]))


def test_half_precision_squares_in_float32():
    """Squares of 1e-4 are less than the least float16, and the length is 0.01."""
    np.testing.assert_allclose(ops.squash(np.full((1, 10000), 1e-4, "float16")), 1e-6, rtol=0.05)


def test_a_single_number():
    """x |x| / (1 + x^2)."""
    close(ops.squash([[-2.0], [1.0]]), np.float64([[-0.8], [0.5]]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["squash"], rank, dtype)


def test_edges():
    assert ops.squash(np.zeros((0, 4, 3))).shape == (0, 4, 3)
    assert ops.squash(np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize(
    "x, axis, words",
    [
        (np.zeros((2, 3), "float32"), 2, "squash expects axis, one of x's; received axis=2, shape=(2, 3)"),
        (np.zeros((2, 3), "float32"), -3, "axis=-3"),
        (np.zeros((2, 3), "float32"), 1.0, "axis=1.0"),
        (np.zeros((2, 3), "float32"), None, "axis=None"),
        (np.float32(1), -1, "axis=-1, shape=()"),
        (np.zeros((2, 3), "int32"), -1, "squash expects floating x"),
        (keras.Input((2,)), -1, "the layer kzoo.layers.Capsules; received a KerasTensor"),
    ],
)
def test_refuses(x, axis, words):
    refuses(words, ops.squash, x, axis)

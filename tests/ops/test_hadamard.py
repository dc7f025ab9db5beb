"""The Walsh-Hadamard transform: the reference, SciPy's matrix, its own inverse, long rows, and refusals."""

import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, traced


def draw(rng, rank, one, distinct):
    """Lengths on both sides of the radix, and several times it."""
    del distinct
    power = int(rng.integers(0, 10)) if one is None else one["index"]
    return Setting((normal(rng, *sites(rng, rank, 2**power)),), {})


OP_CASES = {"hadamard": Case(ops.hadamard, references.hadamard, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["hadamard"], rank)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 32, 64, 256, 1024])
def test_is_the_matrix_of_scipy(n):
    """In whole numbers, so exactly."""
    np.testing.assert_array_equal(ops.hadamard(np.eye(n, dtype="float32")), scipy.linalg.hadamard(n))


@pytest.mark.parametrize("n", [1, 2, 32, 512, 4096])
def test_is_its_own_inverse_up_to_n(seeds, n):
    x = seeds.integers(-9, 10, (3, n)).astype("float32")
    np.testing.assert_array_equal(ops.hadamard(ops.hadamard(x)), n * x)


def test_keeps_lengths_up_to_the_root_of_n(seeds):
    x = normal(seeds, 5, 2048)
    close(np.linalg.norm(ops.hadamard(x), axis=1), np.linalg.norm(x, axis=1) * 2048**0.5)


def test_a_vector():
    np.testing.assert_array_equal(ops.hadamard([1.0, 0.0, 2.0, 0.0]), [3, 3, -1, -1])


def test_holds_nothing_larger_than_its_input():
    """Of 2^16 numbers; as a matrix they would be 2^32."""
    cost = traced(ops.hadamard, (1, 2**16)).graph
    assert all(np.prod([d or 1 for d in t.shape]) <= 2**16 for op in cost.get_operations() for t in op.outputs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["hadamard"], rank, dtype)


def test_half_precision_sums_in_float32():
    x = tf.concat([tf.fill([1, 2048], 1.0), tf.fill([1, 2048], -1.0)], 1)
    assert np.asarray(ops.hadamard(tf.cast(x, "float16")))[0, 2048] == 4096
    x = np.zeros(256, "float16")
    x[[0, 1, 16]] = 2048, 1, -2048  # the sum of the first 16 is none of float16
    assert np.asarray(ops.hadamard(x))[0] == 1


def test_edges():
    assert ops.hadamard(np.zeros((0, 3, 8))).shape == (0, 3, 8)
    assert ops.hadamard(np.zeros((0, 32))).shape == (0, 32)


@pytest.mark.parametrize(
    "x, words",
    [
        (np.zeros((2, 3), "float32"), "hadamard expects x whose last axis is a power of two; received shape=(2, 3)"),
        (np.zeros((2, 0), "float32"), "shape=(2, 0)"),
        (np.float32(1), "shape=()"),
        (np.zeros((2, 4), "int32"), "hadamard expects floating x"),
        (keras.Input((4,)), "the layer kzoo.layers.Fastfood; received a KerasTensor"),
    ],
)
def test_refuses(x, words):
    refuses(words, ops.hadamard, x)


def test_refuses_an_unknown_length():
    refuses("shape=(None, None)", traced, ops.hadamard, (None, None))

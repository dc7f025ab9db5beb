"""Radial basis functions: the reference, SciPy's distances, near prototypes, precisions, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order


def reference(x, kernel):
    y = np.zeros((*x.shape[:-1], kernel.shape[1]))
    for *site, unit in np.ndindex(y.shape):
        y[(*site, unit)] = -sum((float(a) - float(b)) ** 2 for a, b in zip(x[tuple(site)], kernel[:, unit]))
    return y


def draw(rng, rank, one, distinct):
    """Any number of axes; some inputs are prototypes themselves."""
    del one, distinct
    channels, units = (int(n) for n in rng.integers(1, 6, 2))
    x, kernel = normal(rng, *sites(rng, rank, channels)), normal(rng, channels, units)
    if rng.random() < 0.3:
        x[0] = kernel[:, 0]
    return Setting((x, kernel), {})


OP_CASES = {"rbf": Case(ops.rbf, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["rbf"], rank)


def test_equals_scipy(seeds):
    x, kernel = seeds.normal(size=(20, 84)), seeds.normal(size=(84, 10))
    close(ops.rbf(x, kernel), -cdist(x, kernel.T, "sqeuclidean"), 1e-14)


def test_near_prototypes_are_told_apart(seeds):
    """A thousandth next to numbers of 100: the distance is 8e-5. Expanded into squares it would be all rounding."""
    kernel = np.float32(100) * seeds.choice([-1, 1], (84, 1)).astype("float32")
    x = kernel.T + np.float32(2**-10)
    assert np.ravel(ops.rbf(x, kernel)) == np.float32(-84 * 2**-20)
    assert np.ravel(ops.rbf(kernel.T, kernel)) == 0


def test_second_order_gradient():
    """y = -(x - w)^2, loss y^2 = d^4: gradients 4 d^3 and -4 d^3, squared 32 d^6, whose slope is 192 d^5."""
    x, w = second_order(ops.rbf, [[3.0]], [[1.0]])
    assert (x.item(), w.item()) == (192 * 2**5, -192 * 2**5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["rbf"], 2, dtype)


@pytest.mark.parametrize(
    "dtype, x, w, count, want", [("float16", 1, 2**-12, 4096, 4094), ("bfloat16", 256, 0.5, 1, 65280)]
)
def test_half_precision_subtracts_in_float32(dtype, x, w, count, want):
    """Where the difference itself has more digits than the precision: 1 - 2^-12 would be 1, 255.5 would be 256."""
    with ops.no_islands():
        y = ops.rbf(tf.fill((1, count), tf.cast(x, dtype)), tf.fill((count, 1), tf.cast(w, dtype)))
    assert float(y[0, 0]) == -want and y.dtype == dtype


def test_edges():
    assert ops.rbf(np.zeros((0, 3)), np.zeros((3, 2))).shape == (0, 2)
    assert ops.rbf(np.zeros((2, 0)), np.zeros((0, 2))).numpy().tolist() == [[0, 0], [0, 0]]


X, W = np.zeros((2, 3), "float32"), np.zeros((3, 4), "float32")


@pytest.mark.parametrize(
    "x, kernel, words",
    [
        (X, W[:2], "rbf expects x (batch, ..., C) and kernel (C, units); received x=(2, 3), kernel=(2, 4)"),
        (X[0], W, "received x=(3,)"),
        (X, W[0], "kernel=(4,)"),
        (X.astype("int32"), W.astype("int32"), "rbf expects floating x"),
        (X, W.astype("float64"), "x and kernel of one dtype; received x='float32', kernel='float64'"),
        (keras.Input((3,)), W, "the layer kzoo.layers.RBF; received a KerasTensor=(None, 3)"),
    ],
)
def test_refuses(x, kernel, words):
    refuses(words, ops.rbf, x, kernel)

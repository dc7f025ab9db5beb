"""Filter response normalization: the reference, the paper's special cases, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, close, refuses, traced


def reference(x, gamma, beta, tau=None, epsilon=1e-6, extra_epsilon=None):
    y, small = np.zeros(x.shape), epsilon + (0 if extra_epsilon is None else abs(float(extra_epsilon)))
    for b, c in np.ndindex(len(x), x.shape[-1]):
        channel = x[b, ..., c].astype("float64")
        mean = sum(float(v) ** 2 for v in channel.ravel()) / channel.size
        y[b, ..., c] = gamma[c] * channel / np.sqrt(mean + small) + beta[c]
        if tau is not None:
            y[b, ..., c] = np.maximum(y[b, ..., c], tau[c])
    return y


def draw(rng, rank, one, distinct):
    """Without a threshold where gradients are compared with differences, which it would bend."""
    spatial = tuple(int(n) for n in rng.integers(1, 5, rank))
    weights = [normal(rng, 3) for _ in range(2 if one is not None else 3)]
    kwargs = {"epsilon": float(rng.uniform(0.1, 1))}
    del distinct
    return Setting((normal(rng, 2, *spatial, 3), *weights), kwargs)


OP_CASES = {"filter_response_norm": Case(ops.filter_response_norm, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["filter_response_norm"], rank)


def test_of_one_position_it_is_the_sign(seeds):
    """The paper's problem with maps of one position, which a learned epsilon solves."""
    x, one, zero = normal(seeds, 2, 1, 1, 3), np.ones(3, "float32"), np.zeros(3, "float32")
    close(ops.filter_response_norm(x, one, zero, epsilon=1e-12), np.sign(x))
    got = ops.filter_response_norm(x, one, zero, extra_epsilon=-0.5)
    close(got, reference(x, one, zero, extra_epsilon=0.5))


def test_the_threshold_and_its_gradient():
    x = tf.constant([[[2.0], [-2.0]]])
    weights = [tf.constant([1.0]), tf.constant([0.0]), tf.constant([0.5])]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        y = ops.filter_response_norm(x, *weights)
        total = tf.reduce_sum(y)
    close(y, np.array([[[1.0], [0.5]]]))
    assert [float(g[0]) for g in tape.gradient(total, weights)] == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_squares_in_float32(dtype):
    """4,096 squared is no float16."""
    got = ops.filter_response_norm(tf.constant([[[4096.0]]], dtype), [1.0], [0.0])
    assert got.dtype == dtype and float(got[0, 0, 0]) == 1


def test_sizes_that_are_not_known():
    weights = np.float32([1, 2]), np.float32([0, 1])
    graph = traced(lambda x: ops.filter_response_norm(x, *weights), (None, None, None, 2))
    x = np.arange(24, dtype="float32").reshape(1, 4, 3, 2)
    close(graph(tf.constant(x)), reference(x, *weights))


X, ONE = np.zeros((1, 4, 5, 3), "float32"), np.ones(3, "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, ONE[:2], ONE), "filter_response_norm expects gamma of shape (C,); received x=(1, 4, 5, 3), gamma="),
        ((X, ONE, ONE[None]), "beta of shape (C,)"),
        ((X, ONE, ONE, ONE[:1]), "tau of shape (C,)"),
        ((X, ONE, ONE, None, 0), "epsilon, a number above 0; received epsilon=0"),
        ((X.astype("int32"), ONE, ONE), "floating x"),
        ((X[0, 0], ONE, ONE), "1 to 3 spatial axes"),
        ((X[:, :0], ONE, ONE), "at least 1 pixel"),
        ((keras.Input((4, 5, 3)), ONE, ONE), "the layer kzoo.layers.FilterResponseNormalization"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.filter_response_norm, *args)

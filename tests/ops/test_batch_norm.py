"""Batch normalization: the reference, the statistics, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, close, refuses


def reference(x, gamma, beta, epsilon=1e-3):
    y, count = np.zeros(x.shape), x.size // x.shape[-1]
    means, variances = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    for c in range(x.shape[-1]):
        channel = x[..., c].astype("float64")
        means[c] = sum(float(v) for v in channel.ravel()) / count
        variances[c] = sum((float(v) - means[c]) ** 2 for v in channel.ravel()) / count
        y[..., c] = gamma[c] * (channel - means[c]) / np.sqrt(variances[c] + epsilon) + beta[c]
    return y, means, variances


def draw(rng, rank, one, distinct):
    spatial = tuple(int(n) for n in rng.integers(1, 5, rank))
    del one, distinct
    return Setting(
        (normal(rng, 3, *spatial, 3), normal(rng, 3), normal(rng, 3)), {"epsilon": float(rng.uniform(0.1, 1))}
    )


OP_CASES = {"batch_norm": Case(ops.batch_norm, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["batch_norm"], rank)


@pytest.mark.parametrize("shape", [(64, 28, 28, 16), (8, 8000, 4), (2, 6, 14, 14, 8), (1, 1, 1, 3)])
def test_gradients_are_those_of_its_parts(shape, seeds):
    """At sizes of nets, and of one value, whose variance is 0."""
    x, weights = tf.constant(normal(seeds, *shape)), [tf.constant(normal(seeds, shape[-1])) for _ in range(2)]
    upstream = normal(seeds, *shape)

    def parts(x, gamma, beta):
        mean, variance = keras.ops.moments(x, tuple(range(len(shape) - 1)))
        return (x - mean) / keras.ops.sqrt(variance + 1e-3) * gamma + beta, mean, variance

    results = []
    for function in (ops.batch_norm, parts):
        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            outputs = function(x, *weights)
        results.append([*outputs, *tape.gradient(outputs[0], [x, *weights], tf.constant(upstream))])
    close(*results, tolerance=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_squares_in_float32(dtype):
    """4,096 squared is no float16."""
    y, mean, variance = ops.batch_norm(tf.constant([[[4096.0]], [[-4096.0]]], dtype), [1.0], [0.0])
    assert y.dtype == dtype and [float(v) for v in y[:, 0, 0]] == [1, -1]
    assert (float(mean[0]), float(variance[0]), variance.dtype) == (0, 4096**2, "float32")


X, ONE = np.zeros((1, 4, 5, 3), "float32"), np.ones(3, "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, ONE[:2], ONE), "batch_norm expects gamma of shape (C,); received x=(1, 4, 5, 3), gamma="),
        ((X, ONE, ONE[None]), "beta of shape (C,)"),
        ((X, ONE, ONE, 0), "epsilon, a number above 0; received epsilon=0"),
        ((X.astype("int32"), ONE, ONE), "floating x"),
        ((X[0, 0], ONE, ONE), "1 to 3 spatial axes"),
        ((X[:, :0], ONE, ONE), "at least 1 pixel"),
        ((keras.Input((4, 5, 3)), ONE, ONE), "the layer kzoo.layers.BatchNormalization"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.batch_norm, *args)

"""Stochastic depth: the reference, the expected value, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(shortcut, residual, survival_probability=0.5, noise=None):
    y = np.zeros(shortcut.shape)
    for index in np.ndindex(shortcut.shape):
        share = survival_probability
        if noise is not None:
            share = float(noise[index[0] if len(noise) > 1 else 0] < survival_probability)
        y[index] = float(shortcut[index]) + share * float(residual[index])
    return y


def draw(rng, rank, one, distinct):
    del one, distinct
    shape = sites(rng, rank, 3)
    kwargs = {"survival_probability": float(rng.uniform(0.2, 0.8))}
    if rng.random() < 0.7:
        kwargs["noise"] = rng.random(2 if rng.random() < 0.5 else 1).astype("float32")
    return Setting((normal(rng, *shape), normal(rng, *shape)), kwargs)


OP_CASES = {"stochastic_depth": Case(ops.stochastic_depth, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["stochastic_depth"], rank)


def test_without_noise_it_is_the_mean_over_the_noise():
    x, y = np.float32([[1, 2]]), np.float32([[8, 4]])
    noise = (np.arange(100) + 0.5) / 100
    drawn = [ops.stochastic_depth(x, y, 0.25, np.float32([n])) for n in noise]
    close(np.mean(drawn, 0), ops.stochastic_depth(x, y, 0.25))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["stochastic_depth"], 2, dtype)


def test_edges():
    assert ops.stochastic_depth(np.zeros((0, 3)), np.zeros((0, 3)), 0.5, np.zeros(0)).shape == (0, 3)
    x = np.ones((2, 3), "float32")
    close(ops.stochastic_depth(x, x, 1, np.float32([0.999, 0])), 2 * x)
    close(ops.stochastic_depth(x, x, 0, np.float32([0, 0])), x)


X = np.zeros((2, 4), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, X[:, :3]), "stochastic_depth expects shortcut and residual of one shape; received shortcut=(2, 4)"),
        ((X, X[None]), "residual=(1, 2, 4)"),
        ((X, X, 1.5), "survival_probability, a number from 0 to 1; received survival_probability=1.5"),
        ((X, X, None), "survival_probability=None"),
        ((X, X, 0.5, np.zeros(3)), "noise (batch,) or (1,); received noise=(3,)"),
        ((X, X.astype("float64")), "shortcut and residual of one dtype"),
        ((X.astype("int32"), X.astype("int32")), "floating x"),
        ((keras.Input((4,)), X), "the layer kzoo.layers.StochasticDepth"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.stochastic_depth, *args)


def test_a_batch_of_unknown_size():
    graph = tf.function(
        lambda x, n: ops.stochastic_depth(x, x, 0.5, n),
        input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((None,))],
    )
    close(graph(np.ones((2, 3), "float32"), np.float32([0.1, 0.9])), np.float32([[2, 2, 2], [1, 1, 1]]))

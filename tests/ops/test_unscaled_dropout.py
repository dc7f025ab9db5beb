"""Unscaled dropout: the reference, the mean at inference, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import RANKS, Case, Setting, normal, sites
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(x, rate=0.5, inference_scale=None, noise=None):
    y = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        factor = 1 - rate if inference_scale is None else inference_scale
        if noise is not None:
            factor = float(noise[index] >= rate)
        y[index] = float(x[index]) * factor
    return y


def draw(rng, rank, one, distinct):
    del one, distinct
    shape = sites(rng, rank, 3)
    kwargs = {"rate": float(rng.uniform(0.2, 0.8)), "inference_scale": None if rng.random() < 0.5 else 0.75}
    if rng.random() < 0.7:
        kwargs["noise"] = rng.random(shape).astype("float32")
    return Setting((normal(rng, *shape),), kwargs)


OP_CASES = {"unscaled_dropout": Case(ops.unscaled_dropout, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["unscaled_dropout"], rank)


def test_without_noise_it_is_the_mean_over_the_noise():
    x = np.float32([[1, 2, -3]])
    noise = np.broadcast_to((np.arange(100, dtype="float32")[:, None] + 0.5) / 100, (100, 3))
    close(np.mean([ops.unscaled_dropout(x, 0.25, noise=row[None]) for row in noise], 0), ops.unscaled_dropout(x, 0.25))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["unscaled_dropout"], 2, dtype)


def test_edges():
    x, noise = np.float32([[1, np.inf, np.nan]]), np.float32([[0, 0.5, 0.999]])
    assert ops.unscaled_dropout(np.zeros((0, 3)), 0.5, noise=np.zeros((0, 3))).shape == (0, 3)
    close(ops.unscaled_dropout(x, 0, noise=noise), x)
    close(ops.unscaled_dropout(x, 1, noise=noise), np.zeros((1, 3)))  # what is not a number is dropped too
    close(ops.unscaled_dropout(x, 0.3, inference_scale=1), x)


X = np.zeros((2, 4), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, 1.5), "unscaled_dropout expects rate, a number from 0 to 1; received rate=1.5"),
        ((X, True), "rate=True"),
        ((X, 0.5, -1), "inference_scale, a number of at least 0, or None; received inference_scale=-1"),
        ((X, 0.5, None, X[:1]), "noise of the shape of x; received noise=(1, 4), x=(2, 4)"),
        ((X, 0.5, None, X[0]), "noise=(4,)"),
        ((X.astype("int32"),), "floating x"),
        ((keras.Input((4,)),), "the layer kzoo.layers.UnscaledDropout"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.unscaled_dropout, *args)


def test_a_batch_of_unknown_size():
    graph = tf.function(
        lambda x, n: ops.unscaled_dropout(x, 0.5, noise=n), input_signature=[tf.TensorSpec((None, 3))] * 2
    )
    close(graph(np.ones((1, 3), "float32"), np.float32([[0.1, 0.5, 0.9]])), np.float32([[0, 1, 1]]))

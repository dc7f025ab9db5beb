"""Routing by agreement: the reference, uniform shares, a case by hand, who is listened to, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import Case, Setting, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses


def draw(rng, rank, one, distinct):
    del rank, distinct
    index = one["index"] if one else int(rng.integers(12))
    inputs, outputs, depth = (int(n) for n in rng.integers(1, 6, 3))
    bias = [normal(rng, outputs, depth + 1)] if index % 2 else []
    return Setting(
        (normal(rng, 2, inputs, outputs, depth + 1), *bias), {"iterations": index % 4 + 1, "leaky": index % 3 == 0}
    )


def route(predictions, *bias, iterations, leaky):
    return ops.route(predictions, iterations, *bias, leaky=leaky)


OP_CASES = {"route": Case(route, references.route, draw, free=False, curved=True, ranks=(2,))}


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["route"], 2)


def test_one_iteration_is_uniform(seeds):
    u = normal(seeds, 3, 7, 4, 5)
    close(ops.route(u, 1), references.squash(u.sum(1) / 4))


def test_three_iterations_unless_told(seeds):
    u = normal(seeds, 3, 7, 4, 5)
    np.testing.assert_array_equal(ops.route(u), ops.route(u, 3))


def test_two_iterations_by_hand():
    """Inputs 1 and 2 predict (2, 0) for capsule A; for B the first (2, 0), the second (-2, 0).

    Uniform: s_A = (2, 0), v_A = (4/5, 0); s_B = v_B = 0. Agreements 8/5 with A, 0 with B: shares a and 1 - a.
    """
    a = 1 / (1 + math.exp(-8 / 5))
    n = 4 * a
    u = [[[[2.0, 0.0], [2.0, 0.0]], [[2.0, 0.0], [-2.0, 0.0]]]]
    close(ops.route(u, 2), np.float64([[[n * n / (1 + n * n), 0], [0, 0]]]))


def test_the_capsule_that_inputs_agree_on_wins(seeds):
    """Of predictions of one length those that agree grow with each iteration, those that scatter shrink."""
    u = normal(seeds, 1, 20, 2, 4)
    u[:, :, 0] = [1, 0, 0, 0]
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    lengths = np.array([np.linalg.norm(ops.route(u, i), axis=-1)[0] for i in (1, 2, 3, 4)])
    assert (np.diff(lengths[:, 0]) > 0).all() and (np.diff(lengths[:, 1]) < 0).all()


@pytest.mark.parametrize("leaky", [False, True])
def test_large_agreements_do_not_overflow(leaky):
    y = ops.route(np.full((1, 3, 2, 2), 1e4, "float32"), 5, leaky=leaky)
    close(y, np.full((1, 2, 2), 0.5**0.5))


def test_the_leak_by_hand(seeds):
    """Inputs 1 and 2 predict (2, 0) and input 3 (-2, 0), for the only output: weights 1/2, then by agreements 1, 1, -1.

    Uniform: s = (1, 0), v = (1/2, 0). Without a leak a single output gets all of each input.
    """
    u = np.float32([[[[2, 0]], [[2, 0]], [[-2, 0]]]])
    taken = 1 / (1 + math.exp(-1))
    close(ops.route(u, 2, leaky=True), references.squash(np.float64([[[4 * taken - 2 * (1 - taken), 0]]])))
    close(ops.route(u, 2), references.squash(np.float64([[[2, 0]]])))
    u = normal(seeds, 3, 7, 4, 5)
    close(ops.route(u, 1, leaky=True), references.squash(u.sum(1) / 5))


def test_each_position_is_routed_for_itself(seeds):
    u, bias = normal(seeds, 2, 3, 4, 7, 2, 5), normal(seeds, 2, 5)
    y = ops.route(u, 3, bias, leaky=True)
    close(y, references.route(u.reshape(24, 7, 2, 5), bias, 3, leaky=True).reshape(2, 3, 4, 2, 5))


def test_unknown_inputs_below():
    spec = tf.TensorSpec((None, None, 2, 3))
    for u in (normal(np.random.default_rng(0), n, 2 + n, 2, 3) for n in (1, 2)):
        close(tf.function(ops.route, [spec], autograph=False)(u), references.route(u))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["route"], 2, dtype)


def test_edges():
    assert ops.route(np.zeros((0, 3, 2, 4))).shape == (0, 2, 4)
    assert not np.any(ops.route(np.zeros((2, 3, 2, 4))))


U = np.zeros((1, 3, 2, 4), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((U[0],), "route expects predictions (batch, *spatial, inputs, outputs, dimension); received shape=(3, 2, 4)"),
        ((U.astype("int32"),), "route expects floating x"),
        ((U, 0), "iterations, an integer above 0; received iterations=0"),
        ((U, 2.0), "iterations=2.0"),
        ((U, True), "iterations=True"),
        (
            (U, 3, np.zeros((2, 3), "float32")),
            "bias (outputs, dimension) of the predictions' dtype; received bias=(2, 3)",
        ),
        ((U, 3, np.zeros((2, 4))), "bias (outputs, dimension) of the predictions' dtype"),
        ((keras.Input((3, 2, 4)),), "the layer kzoo.layers.Capsules; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.route, *args)

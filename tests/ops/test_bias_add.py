"""Biases shared, tiled and untied: the reference, identities, precisions, and refusals."""

import keras
import numpy as np
import pytest

from kzoo import ops
from tests.ops.cases import MOST, RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, half_precision, refuses, traced


def reference(y, bias):
    z = np.array(y, "float64")
    for place in np.ndindex(y.shape[1:-1]):
        z[(slice(None), *place)] += bias[tuple(p % t for p, t in zip(place, bias.shape[:-1]))]
    return z


def draw(rng, rank, one, distinct):
    del one, distinct
    output = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank))
    tile = ((), output, tuple(int(rng.integers(1, n + 1)) for n in output))[int(rng.integers(3))]
    return Setting((normal(rng, 2, *output, 3), normal(rng, *tile, 3)), {})


OP_CASES = {"bias_add": Case(ops.bias_add, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["bias_add"], rank)


def test_shared_and_untied_are_plain_sums(seeds):
    y, shared, untied = (normal(seeds, *shape) for shape in ((2, 5, 4, 3), (3,), (5, 4, 3)))
    np.testing.assert_array_equal(ops.bias_add(y, shared), y + shared)
    np.testing.assert_array_equal(ops.bias_add(y, untied), y + untied)


def test_a_tile_need_not_divide_the_output(seeds):
    got = ops.bias_add(np.zeros((1, 5, 4, 1)), np.arange(6.0).reshape(2, 3, 1))
    want = [[0, 1, 2, 0], [3, 4, 5, 3], [0, 1, 2, 0], [3, 4, 5, 3], [0, 1, 2, 0]]
    np.testing.assert_array_equal(np.asarray(got)[0, :, :, 0], want)


def test_sizes_that_are_not_known():
    graph = traced(ops.bias_add, (None, None, 4, 1), (2, 3, 1), dtype="float64")
    bias = np.arange(6.0).reshape(2, 3, 1)
    for rows in (1, 2, 5):
        y = np.zeros((2, rows, 4, 1))
        np.testing.assert_array_equal(graph(*map(keras.ops.convert_to_tensor, (y, bias))), ops.bias_add(y, bias))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["bias_add"], 2, dtype)


def test_edges():
    assert ops.bias_add(np.zeros((0, 5, 2)), np.zeros(2)).shape == (0, 5, 2)
    assert ops.bias_add(np.zeros((3, 2)), np.ones(2)).shape == (3, 2)  # no spatial axes, as after a dense layer
    got = ops.bias_add(np.array([[[np.inf], [np.nan]]]), np.ones((1, 1)))
    np.testing.assert_array_equal(np.ravel(got), [np.inf, np.nan])


Y = np.zeros((1, 4, 4, 3), "float32")


@pytest.mark.parametrize(
    "y, bias, words",
    [
        (Y, np.zeros(2, "float32"), "bias_add expects bias (F,) or (*tile, F); received y=(1, 4, 4, 3), bias=(2,)"),
        (Y, np.zeros((4, 3), "float32"), "received y=(1, 4, 4, 3), bias=(4, 3)"),
        (Y, np.zeros((0, 1, 3), "float32"), "bias=(0, 1, 3)"),
        (Y, np.zeros((1, 4, 4, 3), "float32"), "bias=(1, 4, 4, 3)"),
        (Y, np.zeros(3), "y and bias of one dtype"),
        (keras.Input((4, 4, 3)), np.zeros(3), "the layer kzoo.layers.Conv2D; received a KerasTensor=(None, 4, 4, 3)"),
    ],
)
def test_refuses(y, bias, words):
    refuses(words, ops.bias_add, y, bias)

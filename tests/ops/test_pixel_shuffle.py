"""Pixel shuffling and its inverse: the references, TensorFlow's and PyTorch's orders, dtypes, sizes, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, normal
from tests.ops.harness import CHECKS, refuses, traced


def channel(c, steps, factor, channels, order):
    """Returns the channel that holds the pixel at these steps within a block of output channel c."""
    index = np.ravel_multi_index(steps, factor)
    return c * np.prod(factor) + index if order == "CRD" else index * channels + c


def shuffle(x, factor, order="CRD"):
    factor = references.per_axis(factor, x.ndim - 2)
    channels = x.shape[-1] // np.prod(factor)
    y = np.zeros((len(x), *np.multiply(x.shape[1:-1], factor), channels), x.dtype)
    for b, *position, c in np.ndindex(y.shape):
        steps = tuple(p % f for p, f in zip(position, factor))
        place = tuple(p // f for p, f in zip(position, factor))
        y[(b, *position, c)] = x[(b, *place, channel(c, steps, factor, channels, order))]
    return y


def unshuffle(x, factor, order="CRD"):
    factor, channels = references.per_axis(factor, x.ndim - 2), x.shape[-1]
    y = np.zeros((len(x), *np.floor_divide(x.shape[1:-1], factor), channels * np.prod(factor)), x.dtype)
    for b, *position, c in np.ndindex(x.shape):
        steps = tuple(p % f for p, f in zip(position, factor))
        place = tuple(p // f for p, f in zip(position, factor))
        y[(b, *place, channel(c, steps, factor, channels, order))] = x[(b, *position, c)]
    return y


def settings(rng, rank, one):
    """Returns the small image's size, the factor of each axis, and the keyword arguments."""
    spatial, factor = (tuple(int(n) for n in rng.integers(1, most, rank)) for most in (4, 4 if rank < 3 else 3))
    order = str(rng.choice(["CRD", "DCR"])) if one is None else ("CRD", "DCR")[one["index"] % 2]
    return spatial, factor, {"factor": factor if rng.random() < 0.7 else factor[0], "order": order}


def draw(rng, rank, one, distinct):
    del distinct
    spatial, factor, kwargs = settings(rng, rank, one)
    count = int(np.prod(references.per_axis(kwargs["factor"], rank)))
    return Setting((normal(rng, 2, *spatial, 2 * count),), kwargs)


def draw_inverse(rng, rank, one, distinct):
    del distinct
    spatial, factor, kwargs = settings(rng, rank, one)
    return Setting((normal(rng, 2, *np.multiply(spatial, references.per_axis(kwargs["factor"], rank)), 2),), kwargs)


OP_CASES = {
    "pixel_shuffle": Case(ops.pixel_shuffle, shuffle, draw),
    "pixel_unshuffle": Case(ops.pixel_unshuffle, unshuffle, draw_inverse),
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", OP_CASES)
def test_equals_the_loop(name, check, rank):
    check(OP_CASES[name], rank)


def test_tensorflows_order(seeds):
    x = normal(seeds, 2, 3, 4, 12)
    np.testing.assert_array_equal(ops.pixel_shuffle(x, 2, "DCR"), tf.nn.depth_to_space(x, 2))
    y = normal(seeds, 2, 4, 6, 3)
    np.testing.assert_array_equal(ops.pixel_unshuffle(y, 2, "DCR"), tf.nn.space_to_depth(y, 2))


def test_pytorchs_order():
    """The example of its documentation in numbers: channel c * r^2 + i * r + j becomes pixel (i, j) of channel c."""
    got = np.asarray(ops.pixel_shuffle(np.arange(8.0).reshape(1, 1, 1, 8), 2))
    assert got[0, :, :, 0].tolist() == [[0, 1], [2, 3]] and got[0, :, :, 1].tolist() == [[4, 5], [6, 7]]


@pytest.mark.parametrize("order", ["CRD", "DCR"])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float16", "bfloat16", "float64"])
def test_is_the_inverse_in_any_dtype(order, dtype):
    x = tf.cast(np.arange(48).reshape(2, 2, 3, 4) % 2, dtype)
    y = ops.pixel_shuffle(x, (2, 1), order)
    assert y.dtype == dtype and y.shape == (2, 4, 3, 2)
    np.testing.assert_array_equal(ops.pixel_unshuffle(y, (2, 1), order), x)


def test_edges_and_sizes_that_are_not_known():
    assert ops.pixel_shuffle(np.zeros((0, 3, 4)), 2).shape == (0, 6, 2)
    assert ops.pixel_unshuffle(np.zeros((1, 0, 4)), 2).shape == (1, 0, 8)
    graph = traced(lambda x: ops.pixel_unshuffle(x, 2), (None, None, None, 3))
    x = np.arange(72, dtype="float32").reshape(1, 4, 6, 3)
    np.testing.assert_array_equal(graph(tf.constant(x)), unshuffle(x, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a multiple of 2 on spatial axis 1"):
        graph(tf.constant(x[:, :, :5]))


X = np.zeros((1, 4, 6, 8), "float32")


@pytest.mark.parametrize(
    "op, args, words",
    [
        (ops.pixel_shuffle, (3,), "pixel_shuffle expects channels in groups of 9; received channels=8, factor=(3, 3)"),
        (ops.pixel_unshuffle, (4,), "pixel_unshuffle expects a multiple of 4 on spatial axis 1; received size=6"),
        (ops.pixel_shuffle, (0,), "factor, an integer of at least 1 or 2 of them; received factor=0"),
        (ops.pixel_unshuffle, ((2, 2, 2),), "factor=(2, 2, 2)"),
        (ops.pixel_shuffle, (2, "crd"), "order, one of ('CRD', 'DCR'); received order='crd'"),
    ],
)
def test_refuses(op, args, words):
    refuses(words, op, X, *args)


def test_refuses_inputs():
    refuses("1 to 3 spatial axes", ops.pixel_shuffle, X[0, 0], 1)
    refuses("a known number of channels", traced, lambda x: ops.pixel_shuffle(x, 2), (1, 4, None))
    refuses("the layer kzoo.layers.PixelShuffle2D", ops.pixel_shuffle, keras.Input((4, 6, 8)), 2)

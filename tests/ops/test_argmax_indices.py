"""Argmax indices: `unpool` and `take_at_indices` are each other's transpose and gradient, to any order."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.argmax_indices import merge_size, split_size, take_at_indices, unpool
from kzoo.ops.views import window
from tests.ops.cases import RANKS, numbers, random_geometry


def pooled(rng, rank):
    """Returns a random pool without copied padding: x, its window, and the maxima with their indices."""
    while True:
        one = random_geometry(rng, rank, pool=True)
        win = window("test", rank, one["size"], one["strides"], one["padding"], one["dilations"])
        if win.mode == "zeros":
            break
    x = numbers(rng, (2, *one["spatial"], 2), distinct=False)
    return x, win, ops.max_pool_with_argmax(x, one["size"], one["strides"], one["padding"], one["dilations"])


@pytest.mark.parametrize("rank", RANKS)
def test_transposes(rank):
    """sum(unpool(v) x) = sum(v take_at_indices(x)), and taking from x gives the maxima."""
    rng = np.random.default_rng(rank)
    with ops.no_islands():
        for x, win, (values, indices) in (pooled(rng, rank) for _ in range(20)):
            np.testing.assert_array_equal(take_at_indices(x, indices, win), values)
            v = rng.integers(-9, 10, values.shape).astype("float32")
            y = unpool(tf.constant(v), indices, size=x.shape[1:-1], win=win)
            assert np.sum(np.asarray(y, "float64") * x) == np.sum(np.asarray(v, "float64") * values)


@pytest.mark.parametrize("known", [True, False])
def test_gradients_of_gradients(known):
    """Of sum(unpool(v)^3) / 6 with two windows' indices at one element, y = a + b: orders y^2 / 2, 2 y, 4."""
    win, indices = window("test", 1, 2, 1, "valid", 1), tf.constant([[[1], [1]]])
    spec = tf.TensorSpec((None, None if not known else 2, 1))

    @tf.function(input_signature=[spec, tf.TensorSpec((None,), "int32")], autograph=False)
    def slopes(v, like):
        sizes = [] if known else [tf.shape(like)[0]]
        with tf.GradientTape() as third:
            third.watch(v)
            with tf.GradientTape() as second:
                second.watch(v)
                with tf.GradientTape() as first:
                    first.watch(v)
                    y = unpool(v, indices, *sizes, size=(3 if known else None,), win=win)
                    loss = tf.reduce_sum(y**3) / 6
                one = first.gradient(loss, v)
            two = second.gradient(one, v)
        return one, two, third.gradient(two, v)

    got = [np.ravel(a).tolist() for a in slopes(tf.constant([[[3.0], [1.0]]]), tf.zeros(3, "int32"))]
    assert got == [[8, 8], [8, 8], [4, 4]]


def test_split_size_and_merge_size():
    size, sizes = split_size((3, "n", 5))
    assert size == (3, None, 5) and merge_size(size, sizes) == (3, "n", 5)

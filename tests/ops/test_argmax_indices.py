"""Places: `unpool` and `collect` are each other's transpose and gradient, to any order; sizes that are tensors."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.argmax_indices import collect, merge, split, unpool
from kzoo.ops.views import window
from tests.ops.cases import RANKS, numbers, random_geometry


def pooled(rng, rank):
    """A random pool without copies of cells: x, its window, and the places of its maxima."""
    while True:
        one = random_geometry(rng, rank, pool=True)
        win = window("test", rank, one["size"], one["strides"], one["padding"], one["dilations"])
        if win.mode == "zeros":
            break
    x = numbers(rng, (2, *one["spatial"], 2), distinct=False)
    return x, win, ops.max_pool_with_argmax(x, one["size"], one["strides"], one["padding"], one["dilations"])


@pytest.mark.parametrize("rank", RANKS)
def test_transposes(rank):
    """sum(unpool(v) x) = sum(v collect(x)), and collecting from x gives the maxima."""
    rng = np.random.default_rng(rank)
    with ops.no_islands():
        for x, win, (values, places) in (pooled(rng, rank) for _ in range(20)):
            np.testing.assert_array_equal(collect(x, places, win), values)
            v = rng.integers(-9, 10, values.shape).astype("float32")
            y = unpool(tf.constant(v), places, size=x.shape[1:-1], win=win)
            assert np.sum(np.asarray(y, "float64") * x) == np.sum(np.asarray(v, "float64") * values)


@pytest.mark.parametrize("known", [True, False])
def test_gradients_of_gradients(known):
    """Of sum(unpool(v)^3) / 6: two windows' places in one cell, y = a + b: slopes y^2 / 2, of both 2 y, of both 4."""
    win, places = window("test", 1, 2, 1, "valid", 1), tf.constant([[[1], [1]]])
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
                    y = unpool(v, places, *sizes, size=(3 if known else None,), win=win)
                    loss = tf.reduce_sum(y**3) / 6
                one = first.gradient(loss, v)
            two = second.gradient(one, v)
        return one, two, third.gradient(two, v)

    got = [np.ravel(a).tolist() for a in slopes(tf.constant([[[3.0], [1.0]]]), tf.zeros(3, "int32"))]
    assert got == [[8, 8], [8, 8], [4, 4]]


def test_split_and_merge():
    size, sizes = split((3, "n", 5))
    assert size == (3, None, 5) and merge(size, sizes) == (3, "n", 5)

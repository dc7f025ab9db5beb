"""Places: `unpool` and `collect` are each other's transpose, and how a size of tensors travels."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.places import collect, merge, split, unpool
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


def test_split_and_merge():
    size, sizes = split((3, "n", 5))
    assert size == (3, None, 5) and merge(size, sizes) == (3, "n", 5)

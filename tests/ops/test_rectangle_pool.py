"""Pooling over rectangles: the reference, how many there are, plain means, and refusals."""

import itertools

import keras
import numpy as np
import pytest

from kzoo import ops
from tests import references
from tests.ops.cases import Case, Setting, normal, numbers
from tests.ops.harness import CHECKS, close, half_precision, refuses, traced


def reference(x, grid=4, pooling="max"):
    """Gathers the bins of each rectangle; a mean is the mean of their means."""
    boxes = dict(references.bins_of(x, grid)[0])
    y = []
    for top, bottom in itertools.combinations_with_replacement(range(grid), 2):
        for left, right in itertools.combinations_with_replacement(range(grid), 2):
            parts = []
            for place in itertools.product(range(top, bottom + 1), range(left, right + 1)):
                values = np.stack([x[(slice(None), *cell)].astype("float64") for cell in boxes[place]])
                values = values**2 if pooling == "rms" else values
                parts.append(values.max(0) if pooling == "max" else values.mean(0))
            total = np.max(parts, 0) if pooling == "max" else np.mean(parts, 0)
            y.append(np.sqrt(total) if pooling == "rms" else total)
    return np.stack(y, 1)


def draw(rng, rank, one, distinct):
    """Distinct: away from 0, where a root has no slope."""
    del rank
    spatial = tuple(int(n) for n in rng.integers(1, 8, 2)) if one is None else one["spatial"]
    index = one["index"] if one else int(rng.integers(12))
    kwargs = {"grid": index % 4 + 1 if one is None else index % 3 + 1, "pooling": ("max", "average", "rms")[index // 4]}
    return Setting((numbers(rng, (2, *spatial, 2), distinct) + np.float32(distinct / 2),), kwargs)


OP_CASES = {"rectangle_pool": Case(ops.rectangle_pool, reference, draw, curved=True, ranks=(2,))}


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["rectangle_pool"], 2)


@pytest.mark.parametrize("grid, count", [(1, 1), (2, 9), (3, 36), (4, 100)])
def test_as_many_as_the_paper_counts(grid, count):
    corners = ops.rectangles(grid)
    assert len(corners) == len(set(corners)) == count
    assert ops.rectangle_pool(np.zeros((1, 8, 8, 3), "float32"), grid).shape == (1, count, 3)


def test_where_the_grid_divides_they_are_plain_pools(seeds):
    """The order is that of `rectangles`."""
    x = normal(seeds, 2, 8, 12, 3)
    pools = {"max": np.max, "average": np.mean, "rms": lambda part, axes: np.sqrt(np.mean(part**2, axes))}
    for pooling, pool in pools.items():
        y = ops.rectangle_pool(x, 4, pooling)
        for i, (top, bottom, left, right) in enumerate(ops.rectangles(4)):
            part = x[:, 2 * top : 2 * bottom + 2, 3 * left : 3 * right + 3]
            close(y[:, i], pool(part, (1, 2)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["rectangle_pool"], 2, dtype)


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("pooling", ["max", "average", "rms"])
def test_edges(pooling):
    assert ops.rectangle_pool(X[:0], 4, pooling).shape == (0, 100, 2)
    np.testing.assert_array_equal(ops.rectangle_pool(np.full((1, 1, 1, 1), 3.0), 2, pooling), np.full((1, 9, 1), 3))


def test_takes_maxima_over_four_by_four_unless_told(seeds):
    x = normal(seeds, 2, 8, 8, 3)
    np.testing.assert_array_equal(ops.rectangle_pool(x), ops.rectangle_pool(x, 4, "max"))


@pytest.mark.parametrize(
    "args, words",
    [
        ((X[0],), "rectangle_pool expects x (batch, height, width, channels); received shape=(4, 5, 2)"),
        ((X.astype("int32"),), "rectangle_pool expects floating x"),
        ((X, 0), "grid, an integer above 0; received grid=0"),
        ((X, 2.0), "grid=2.0"),
        ((X, 4, "sum"), "pooling, one of ('max', 'average', 'rms'); received pooling='sum'"),
        ((X[:, :0],), "an input of at least 1 pixel on each axis"),
        ((keras.Input((4, 5, 2)),), "the layer kzoo.layers.ReceptiveFieldPooling2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.rectangle_pool, *args)


def test_refuses_unknown_channels():
    refuses("rectangle_pool expects a known number of channels", traced, ops.rectangle_pool, (1, 4, 4, None))

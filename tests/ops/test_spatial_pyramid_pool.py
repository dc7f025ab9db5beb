"""Spatial pyramid pooling: the reference, its levels one by one, the paper's numbers and windows, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_adaptive, normal, numbers
from tests.ops.harness import CHECKS, half_precision, refuses, second_order, traced


def reference(x, bins, pooling="max"):
    """The levels one after the other; within one, bins by rows, and channels within a bin."""
    y = [[] for _ in x]
    for n in bins:
        for _, places in references.bins_of(x, n)[0]:
            for b, c in np.ndindex(len(x), x.shape[-1]):
                values = [x[(b, *place, c)] for place in places]
                largest = max(values, key=lambda v: (np.isnan(v), v))
                y[b].append(largest if pooling == "max" else np.mean(values, dtype="float64"))
    return np.array(y, x.dtype).reshape(len(x), -1)


def draw(rng, rank, one, distinct):
    (x,), _ = draw_adaptive(rng, rank, one, distinct, ties=True)
    levels = [int(n) for n in rng.integers(1, 5, int(rng.integers(1, 4)))]
    levels[0] = tuple(int(n) for n in rng.integers(1, 5, rank))
    return Setting(
        (x,), {"bins": levels if one is None else ((3, 2, 1), ((3, 2, 1)[:rank],), (1, 4))[one["index"] % 3]}
    )


def draw_averages(rng, rank, one, distinct):
    (x,), kwargs = draw(rng, rank, one, distinct)
    return Setting((x.astype("float32"),), {**kwargs, "pooling": "average"})


OP_CASES = {
    "spatial_pyramid_pool": Case(ops.spatial_pyramid_pool, reference, draw),
    "spatial_pyramid_pool_averages": Case(ops.spatial_pyramid_pool, reference, draw_averages),
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["spatial_pyramid_pool"], rank)


@pytest.mark.parametrize("check", CHECKS)
def test_averages_equal_the_loop(check):
    check(OP_CASES["spatial_pyramid_pool_averages"], 2)


def test_averages_of_rectangles_are_tensorflow_addons(seeds):
    """For an image whose sides are multiples of the bins Addons reshapes to (rows, height, columns, width)."""
    x = normal(seeds, 2, 6, 8, 3)
    got = ops.spatial_pyramid_pool(x, [[3, 2], 2], "average")
    levels = [x.reshape(2, r, 6 // r, c, 8 // c, 3).mean((2, 4)).reshape(2, -1) for r, c in ((3, 2), (2, 2))]
    np.testing.assert_allclose(got, np.concatenate(levels, -1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rank", RANKS)
def test_is_adaptive_max_pools_side_by_side(seeds, rank):
    x = normal(seeds, 2, *(7, 5, 4)[:rank], 3)
    levels = [np.reshape(ops.adaptive_max_pool(x, n), (2, -1)) for n in (3, 1, 2)]
    np.testing.assert_array_equal(ops.spatial_pyramid_pool(x, (3, 1, 2)), np.concatenate(levels, -1))


def test_the_papers_four_levels_are_50_bins():
    """12,800 numbers of 256 channels, whatever the size of the image."""
    for spatial in ((13, 13), (10, 17), (2, 3)):
        x = np.zeros((1, *spatial, 256), "float32")
        with ops.no_islands():
            assert ops.spatial_pyramid_pool(x, (6, 3, 2, 1)).shape == (1, 12800)
            assert ops.spatial_pyramid_pool(x).shape == (1, 12800)


def test_of_13_cells_it_is_the_papers_sliding_windows(seeds):
    """Windows of ceil(13 / n) elements at strides of floor(13 / n): of 13 elements these are the bins."""
    x, at = numbers(seeds, (2, 13, 13, 4), distinct=True), 0
    got = np.asarray(ops.spatial_pyramid_pool(x, (6, 3, 2, 1)))
    for n in (6, 3, 2, 1):
        want = np.asarray(tf.nn.max_pool2d(x, -(-13 // n), 13 // n, "VALID"))
        assert want.shape == (2, n, n, 4)
        np.testing.assert_array_equal(got[:, at : at + n * n * 4].reshape(want.shape), want)
        at += n * n * 4
    assert at == got.shape[1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    """Exact, as nothing is computed."""
    half_precision(OP_CASES["spatial_pyramid_pool"], 2, dtype)


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint16"])
def test_whole_numbers_are_kept(dtype):
    got = ops.spatial_pyramid_pool(keras.ops.cast([[[1], [9], [6]]], dtype), (2, 1))
    assert got.dtype == dtype and np.asarray(got).tolist() == [[9, 9, 9]]


def test_a_cell_has_the_gradient_of_each_level_it_wins():
    x = tf.constant([[[3.0], [5.0], [1.0], [4.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ops.spatial_pyramid_pool(x, (4, 2, 1)))
    assert np.ravel(tape.gradient(y, x)).tolist() == [1, 3, 1, 2]


def test_second_order_gradient():
    (got,) = second_order(lambda x: ops.spatial_pyramid_pool(x, (1,)), [[[3.0], [-1.0]]])
    assert got.ravel().tolist() == [24, 0]  # 8 max at the maximum, as of a pool


def test_sizes_that_are_not_known():
    graph = traced(lambda x: ops.spatial_pyramid_pool(x, (3, 1)), (None, None, None, 2))
    assert graph.structured_outputs.shape.as_list() == [None, 20]
    for spatial in ((3, 5), (7, 4)):
        x = np.arange(2 * np.prod(spatial), dtype="float32").reshape(1, *spatial, 2)
        np.testing.assert_array_equal(graph(tf.constant(x)), ops.spatial_pyramid_pool(x, (3, 1)))


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    assert ops.spatial_pyramid_pool(np.zeros((0, *(5,) * rank, 2)), (2, 1)).shape == (0, 2 * (2**rank + 1))
    got = ops.spatial_pyramid_pool(np.full((1, *(1,) * rank, 1), 3.0), (2, 1))
    assert got.shape == (1, 2**rank + 1) and np.unique(got) == 3
    assert not np.any(ops.spatial_pyramid_pool(np.zeros((1, *(4,) * rank, 1)), [3]))


X = np.zeros((1, 4, 5, 2), "float32")
WORDS = "spatial_pyramid_pool expects bins, a sequence of integers above 0 or of 2 of them; received bins="


@pytest.mark.parametrize("bins", [(), [], 2, (2, 0), (-1,), (2.0,), (True,), "21", (None,), ((2, 2, 2), 1), ((2, 0),)])
def test_refuses_bins(bins):
    refuses(WORDS + repr(bins), ops.spatial_pyramid_pool, X, bins)


def test_refuses_poolings():
    refuses("pooling, one of ('max', 'average'); received pooling='mean'", ops.spatial_pyramid_pool, X, (1,), "mean")
    refuses("floating x; received dtype=", ops.spatial_pyramid_pool, X.astype("int32"), (1,), "average")


@pytest.mark.parametrize(
    "x, words",
    [
        (X.astype(bool), "expects floating or integer x; received dtype="),
        (
            X[0, 0],
            "spatial_pyramid_pool expects x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=",
        ),
        (X[None, None], "1 to 3 spatial axes; received shape=(1, 1, 1, 4, 5, 2)"),
        (X[:, :0], "an input of at least 1 pixel on each axis; received shape=(1, 0, 5, 2)"),
        (keras.Input((4, 5, 2)), "the layer kzoo.layers.SpatialPyramidPooling2D; received a KerasTensor=(None, 4, 5"),
    ],
)
def test_refuses_inputs(x, words):
    refuses(words, ops.spatial_pyramid_pool, x, (2, 1))


def test_refuses_unknown_channels():
    words = "spatial_pyramid_pool expects a known number of channels; received shape=(1, 4, None)"
    refuses(words, traced, ops.spatial_pyramid_pool, (1, 4, None))

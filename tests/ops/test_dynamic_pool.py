"""Dynamic pooling: the reference, one cluster as a pyramid, clusters apart, empty elements, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import MOST, RANKS, Case, Setting, normal, numbers
from tests.ops.harness import CHECKS, bad_samples, close, half_precision, refuses


def reference(x, assignment, bins=(1,), pooling="average"):
    """Gathers the positions of each bin and cluster."""
    y = [[] for _ in x]
    for n in bins:
        for _, cells in references.bins_of(x, n)[0]:
            for b, p in np.ndindex(len(x), assignment.shape[-1]):
                codes = [x[(b, *cell)].astype("float64") for cell in cells if assignment[(b, *cell, p)] == 1]
                reduce = np.mean if pooling == "average" else np.max
                y[b].append(reduce(codes, 0) if codes else np.zeros(x.shape[-1]))
    return np.array(y).reshape(len(x), -1, assignment.shape[-1], x.shape[-1])


def draw(rng, rank, one, distinct):
    """Some clusters have no position in a bin, one has none at all. The assignment is whole numbers, no variable."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    index = one["index"] if one else int(rng.integers(12))
    members = np.eye(4)[rng.integers(0, 3, (2, *spatial))].astype("int32")
    kwargs = {"bins": ((1,), (2, 1), (3,))[index % 3], "pooling": ("average", "max")[index % 2]}
    return Setting((numbers(rng, (2, *spatial, 2), distinct), members), kwargs)


def dynamic_pool(x, members, **kwargs):
    x, members = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(members)
    return ops.dynamic_pool(x, keras.ops.cast(members, x.dtype), **kwargs)


OP_CASES = {"dynamic_pool": Case(dynamic_pool, reference, draw)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["dynamic_pool"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_one_cluster_is_a_pyramid(seeds, rank):
    x = normal(seeds, 2, *(5, 6, 4)[:rank], 3)
    one, bins = np.ones((*x.shape[:-1], 1), "float32"), (3, 1, 2)
    close(ops.dynamic_pool(x, one, bins, "max")[:, :, 0], ops.spatial_pyramid_pool(x, bins).numpy().reshape(2, -1, 3))
    means = [np.asarray(ops.adaptive_average_pool(x, n)).reshape(2, -1, 3) for n in bins]
    close(ops.dynamic_pool(x, one, bins)[:, :, 0], np.concatenate(means, 1))


@pytest.mark.parametrize("pooling, want", [("average", [[2.5, 2], [0, -3]]), ("max", [[4, 2], [0, -2]])])
def test_clusters_are_pooled_apart(pooling, want):
    """Four elements in two bins; the second holds none of the first cluster: 0, and not the largest or -inf."""
    x = np.float32([1, 4, 2, -4, -2, -3]).reshape(1, 6, 1)
    members = np.eye(2, dtype="float32")[[0, 0, 1, 1, 1, 1]][None]
    close(ops.dynamic_pool(x, members, (2,), pooling)[0, :, :, 0], np.float64(want))


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_an_empty_cluster_has_no_slope(pooling):
    x = tf.ones((1, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.dynamic_pool(x, tf.constant([[[1.0, 0.0]] * 4]), (1, 2), pooling)
    assert not np.any(y[:, :, 1]) and np.isfinite(tape.gradient(y, x)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["dynamic_pool"], rank, dtype)


X, MEMBERS = np.zeros((1, 4, 5, 2), "float32"), np.zeros((1, 4, 5, 3), "float32")


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_edges(pooling):
    assert ops.dynamic_pool(X[:0], MEMBERS[:0], (2, 1), pooling).shape == (0, 5, 3, 2)


def test_pools_everything_by_means_unless_told(seeds):
    x, members = normal(seeds, 2, 5, 6, 3), np.eye(3, dtype="float32")[seeds.integers(0, 3, (2, 5, 6))]
    np.testing.assert_array_equal(ops.dynamic_pool(x, members), ops.dynamic_pool(x, members, (1,), "average"))


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, MEMBERS[:, :3]), "assignment (batch, *spatial, clusters) of x's spatial size and dtype"),
        ((X, MEMBERS[0]), "assignment=(4, 5, 3)"),
        ((X, MEMBERS.astype("int32")), "dtype="),
        ((X, MEMBERS, (0,)), "bins"),
        ((X, MEMBERS, (1,), "sum"), "pooling, one of ('average', 'max'); received pooling='sum'"),
        ((X[:, :0], MEMBERS[:, :0]), "at least one position"),
        ((keras.Input((4, 5, 2)), MEMBERS), "the layer kzoo.layers.DynamicPooling2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.dynamic_pool, *args)


@pytest.mark.parametrize("x, words", bad_samples("DynamicPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.dynamic_pool, x, MEMBERS)

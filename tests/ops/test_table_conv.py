"""Convolution with a connection table: the reference, tables of other convolutions, gathers only, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops.table_conv import random_table
from tests import references
from tests.ops.cases import RANKS, Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(x, kernel, connections, **geometry):
    """Link by link: a convolution of one input map with one plane of the kernel, added to one output map."""
    links = [(f, c) for f, maps in enumerate(connections) for c in maps]
    y = 0
    for link, (f, c) in enumerate(links):
        plane = np.zeros((*kernel.shape[:-1], 1, len(connections)))
        plane[..., 0, f] = kernel[..., link]
        y = y + references.conv(x[..., c : c + 1], plane, **geometry)
    return y


def draw(rng, rank, one, distinct):
    """Some input maps are read by no output map, some by several."""
    del distinct
    one = one or random_geometry(rng, rank)
    channels, filters = (3, 4) if "index" in one else (int(n) for n in rng.integers(1, 5, 2))
    counts = rng.integers(1, channels + 1, filters)
    table = tuple(tuple(int(c) for c in rng.permutation(channels)[:n]) for n in counts)
    kernel = normal(rng, *references.per_axis(one["size"], rank), sum(counts))
    return Setting((normal(rng, 2, *one["spatial"], channels), kernel), {"connections": table, **geometry_of(one)})


OP_CASES = {"table_conv": Case(ops.table_conv, reference, draw)}
SPATIAL = {1: (9,), 2: (7, 6), 3: (5, 4, 5)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["table_conv"], rank)


@pytest.mark.parametrize("rank", RANKS)
def test_a_full_table_is_a_convolution_and_a_table_of_groups_a_grouped_one(seeds, rank):
    x, size = normal(seeds, 2, *SPATIAL[rank], 4), (3, 2, 2)[:rank]
    for groups in (1, 2, 4):
        depth = 4 // groups
        kernel, bias = normal(seeds, *size, depth, 8), normal(seeds, 8)
        table = [[f // (8 // groups) * depth + c for c in range(depth)] for f in range(8)]
        links = np.moveaxis(kernel, -1, -2).reshape(*size, -1)
        got = ops.table_conv(x, links, table, 2, "reflect", bias=bias)
        close(got, ops.conv(x, kernel, 2, "reflect", bias=bias), what=groups)


def test_the_gradient_is_gathered(seeds):
    """No scatter: TensorFlow's own of a gather is a sum over segments, slow where it is deterministic."""

    def gradient(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            y = ops.table_conv(x, kernel, [[0, 1], [1]])
        return tape.gradient(y, kernel)

    kinds = {node.type for node in traced(gradient, (2, 8, 8, 2), (3, 3, 3)).graph.get_operations()}
    assert "GatherV2" in kinds and not {kind for kind in kinds if "Scatter" in kind or "Segment" in kind}


def test_second_order_gradient():
    """y = a x + b z, loss y^2: gradients 2 y (a, b, x, z), squared 4 y^2 (a^2 + b^2 + x^2 + z^2) = 4 y^2 s."""
    (x, z), (a, b) = (3.0, 1.0), (2.0, -0.5)
    got = second_order(lambda x, k: ops.table_conv(x, k, [[0, 1]]), [[[x, z]]], [[a, b]])
    y, s = a * x + b * z, a * a + b * b + x * x + z * z
    want = (
        [8 * y * s * a + 8 * y**2 * x, 8 * y * s * b + 8 * y**2 * z],
        [
            8 * y * s * x + 8 * y**2 * a,
            8 * y * s * z + 8 * y**2 * b,
        ],
    )
    close([g.ravel() for g in got], list(map(np.float64, want)), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_precisions(dtype):
    half_precision(OP_CASES["table_conv"], 2, dtype)


def test_random_tables():
    table = random_table(64, 256, 16, seed=3)
    assert table == random_table(64, 256, 16, seed=3) != random_table(64, 256, 16, seed=4)
    assert len(table) == 256 and all(sorted(set(maps)) == list(maps) and len(maps) == 16 for maps in table)
    read = np.bincount(np.concatenate(table))
    assert len(read) == 64 and read.min() > 30 and read.max() < 100  # 64 each on the average, deviation 7


def test_edges():
    assert ops.table_conv(np.zeros((0, 5, 2)), np.zeros((3, 1)), [[1]]).shape == (0, 3, 1)
    assert np.ravel(ops.table_conv([[[2.0, 3.0]]], [[5.0]], [[1]])) == [15]


X, K, TABLE = np.zeros((1, 5, 6, 2), "float32"), np.zeros((3, 3, 3), "float32"), [[0, 1], [1]]


@pytest.mark.parametrize(
    "x, kernel, table, words",
    [
        (X, K, 2, "table_conv expects connections, for each output map a list of the input maps it reads; received"),
        (X, K, [], "connections=[]"),
        (X, K, [[0, 1, 2]], "connections, numbers of input maps below 2; received connections[0]=[0, 1, 2]"),
        (X, K, [[0, 1], [-1]], "connections[1]=[-1]"),
        (X, K, [[0, 1], [0.0]], "connections[1]=[0.0]"),
        (X, K, [[0, 1], []], "a list of the input maps it reads"),
        (X, K, [[0], [1, 1]], "no input map twice; received connections[1]=[1, 1]"),
        (
            X,
            K[..., :2],
            TABLE,
            "kernel (*size, 3), one weight for each link; received x=(1, 5, 6, 2), kernel=(3, 3, 2)",
        ),
        (X, K[0], TABLE, "kernel=(3, 3)"),
        (X, K.astype("float64"), TABLE, "x and kernel of one dtype"),
        (X[0, 0], K[0, 0], TABLE, "1 to 3 spatial axes"),
        (keras.Input((5, 6, 2)), K, TABLE, "the layer kzoo.layers.TableConv2D; received a KerasTensor"),
    ],
)
def test_refuses(x, kernel, table, words):
    refuses(words, ops.table_conv, x, kernel, table)


def test_refuses_unknown_channels():
    words = "table_conv expects a known number of channels"
    refuses(words, traced, lambda x: ops.table_conv(x, K, TABLE), tf.TensorSpec((1, 5, 6, None)))

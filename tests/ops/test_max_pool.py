"""Max pooling: the reference, TensorFlow's max pool, what wins at each border, and refusals."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, draw_finite_pool, normal, numbers
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, traced

INF = np.inf
COMPILED = tf.function(ops.max_pool, jit_compile=True, autograph=False)


def reference(*args, **kwargs):
    return references.max_pool_with_argmax(*args, **kwargs)[0]


OP_CASES = {"max_pool": Case(ops.max_pool, reference, draw_finite_pool)}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["max_pool"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", RANKS)
def test_equals_tensorflow(seeds, rank, padding):
    """In values and in the gradient, which of equal values only the first receives, but for TensorFlow's in 3D."""
    x, kwargs = normal(seeds, 2, *(7, 6, 5)[:rank], 3), {"padding": padding}
    x = x if rank == 3 else np.round(x)
    found = []
    theirs = (tf.nn.max_pool1d, tf.nn.max_pool2d, tf.nn.max_pool3d)[rank - 1]
    for pool, args in ((ops.max_pool, kwargs), (COMPILED, kwargs), (theirs, {"padding": padding.upper()})):
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            y = pool(given, 3, 2, **args)
        found.append((y, tape.gradient(y, given, normal(np.random.default_rng(3), *y.shape))))
    for each in found[:2]:
        close(each, found[2], 1e-6)


@pytest.mark.parametrize("run", [ops.max_pool, COMPILED], ids=["native", "compiled"])
@pytest.mark.parametrize(
    "cells, padding, values",
    [
        ([-1, -2, -3], 1, [-1, -1, -2]),  # padding never wins
        ([-3], "full", [-3] * 3),
        ([INF, -INF, 1], "same", [INF, INF, 1]),
        ([4, 5, 6], "circular", [6, 6, 6]),
        ([6, 5, 7], ("replicate", 2), [6, 6, 7, 7, 7]),
    ],
)
def test_what_wins(run, cells, padding, values):
    y = run(np.array(cells, "float32").reshape(1, -1, 1), 3, 1, padding)
    np.testing.assert_array_equal(np.ravel(y), values)


@pytest.mark.parametrize("size, window", [((7, 6), (2, 3)), ((4, 9), (4, 2)), ((5, 5), 1), ((3, 3), 3)])
def test_gradient_of_windows_side_by_side(seeds, size, window):
    """Compiled it is apart: the first maximum of each window, and nothing in the cells that no window covers."""
    x = np.round(normal(seeds, 2, *size, 3))
    with tf.GradientTape(persistent=True) as tape:
        x = tf.constant(x)
        tape.watch(x)
        ys = [run(x, window) for run in (COMPILED, ops.max_pool)]
    dy = normal(seeds, *ys[0].shape)
    got, want = (np.asarray(tape.gradient(y, x, dy)) for y in ys)
    np.testing.assert_array_equal(ys[0], ys[1])
    np.testing.assert_array_equal(got, want)


def test_no_samples_compiled():
    x = tf.zeros((0, 5, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = COMPILED(x, 2)
    assert y.shape == (0, 2, 2, 2) and tape.gradient(y, x).shape == x.shape


def test_compiled_nan_wins():
    x = np.array([1, np.nan, 2, 3, -INF, -INF], "float32").reshape(1, -1, 1)
    np.testing.assert_array_equal(np.ravel(COMPILED(x, 2)), [np.nan, 3, -INF])


def operations(run, *shapes):
    return {operation.type for operation in traced(run, *shapes).graph.get_operations()}


def test_exports_keep_the_backends_pooling():
    """One operation, which every format knows, without a copy for "same"; none of it where XLA compiles for a CPU."""
    for padding in ("valid", "same"):
        found = operations(lambda x, padding=padding: ops.max_pool(x, 3, 2, padding), (None, 8, 9, 4))
        assert "MaxPool" in found and "PadV2" not in found
    inside = tf.function(lambda x: ops.max_pool(x, 2), jit_compile=True, autograph=False)
    graph = inside.get_concrete_function(tf.TensorSpec((2, 4, 4, 1))).graph
    assert "MaxPool" not in {operation.type for operation in graph.get_operations()}


def test_keeps_integers(seeds):
    x = numbers(seeds, (2, 7, 6, 3), distinct=True).astype("int32")
    y = ops.max_pool(x, 3, 2, 1)
    assert y.dtype == tf.int32
    np.testing.assert_array_equal(y, reference(x, 3, 2, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["max_pool"], rank, dtype)


def test_large_windows(seeds):
    x = normal(seeds, 1, 150, 3, 2)
    for kwargs in ({"ceil_mode": True}, {"padding": ((40, 30), 0)}):
        close(COMPILED(x, (70, 2), (33, 1), **kwargs), reference(x, (70, 2), (33, 1), **kwargs))


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    assert ops.max_pool(np.zeros((0, *(5,) * rank, 2), "float32"), 2, ceil_mode=True).shape == (0, *(3,) * rank, 2)
    assert np.ravel(ops.max_pool(np.full((1, *(1,) * rank, 1), 3.0), 2, 2, ceil_mode=True)).tolist() == [3]


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.max_pool, X, *args)
    refuses("max_pool expects", ops.max_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("MaxPooling2D", integers=True))
def test_refuses_samples(x, words):
    refuses(words, ops.max_pool, x, 2)

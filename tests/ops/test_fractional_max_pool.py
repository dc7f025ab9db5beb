"""Fractional max pooling: the reference, TensorFlow's own, the paper's edges, which element wins, and refusals."""

import itertools
import math
from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kzoo import ops
from kzoo.ops.fractional_max_pool import fractional_edges
from tests.ops.cases import MOST, RANKS, Case, Setting, numbers
from tests.ops.harness import CHECKS, bad_samples, half_precision, refuses, second_order


def reference(x, edges, overlapping=False, widest=2):
    del widest  # a promise about the edges, and no part of the result
    spatial = x.shape[1:-1]
    sizes = tuple(len(axis) - 1 for axis in edges)
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for position in np.ndindex(sizes):
        ranges = [
            range(axis[i], min(axis[i + 1] + bool(overlapping), n)) for i, axis, n in zip(position, edges, spatial)
        ]
        box = [x[(slice(None), *cell)] for cell in itertools.product(*ranges)]
        y[(slice(None), *position)] = np.max(box, 0)
    return y


def reference_edges(size, count, samples, pseudo_random=True):
    ratio = Fraction(size, count)
    if pseudo_random:
        samples = Fraction(samples)
        return [math.ceil(ratio * (i + samples)) - math.ceil(ratio * samples) for i in range(count + 1)]
    step = math.floor(ratio)
    larger = sorted(range(count), key=lambda i: samples[i])[: size - count * step]
    edges = [0]
    for i in range(count):
        edges.append(edges[-1] + step + (i in larger))
    return edges


def draw(rng, rank, one, distinct):
    """Edges in steps of at most `widest`."""
    spatial = tuple(int(n) for n in rng.integers(1, MOST[rank] + 1, rank)) if one is None else one["spatial"]
    widest = int(rng.integers(2, 4)) if one is None else 2 + one["index"] % 2
    edges = []
    for n in spatial:
        axis = [0]
        while axis[-1] < n:
            axis.append(min(n, axis[-1] + int(rng.integers(1, widest + 1))))
        edges.append(axis)
    overlapping = bool(one["index"] // 2 % 2 if one else rng.random() < 0.5)
    x = numbers(rng, (2, *spatial, 2), distinct)
    return Setting((x,), {"edges": edges, "overlapping": overlapping, "widest": widest})


OP_CASES = {"fractional_max_pool": Case(ops.fractional_max_pool, reference, draw)}
WHOLE = tf.function(ops.fractional_max_pool, jit_compile=True, autograph=False)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["fractional_max_pool"], rank)


@pytest.mark.parametrize("ratio", [1.0, 1.3, 2**0.5, 2.0, 2.7])
@pytest.mark.parametrize("pseudo", [True, False])
@pytest.mark.parametrize("overlapping", [True, False])
def test_equals_tensorflow(seeds, overlapping, pseudo, ratio):
    """Given the edges that it drew: values, and gradients, whose ties it settles otherwise."""
    x = numbers(seeds, (2, 17, 14, 3), distinct=True)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x := tf.constant(x))
        theirs, *edges = tf.raw_ops.FractionalMaxPool(
            value=x, pooling_ratio=[1, ratio, ratio, 1], overlapping=overlapping, pseudo_random=pseudo,
            deterministic=True, seed=3, seed2=4,
        )  # fmt: skip
        ours = ops.fractional_max_pool(x, edges, overlapping, widest=3)
        losses = [tf.reduce_sum(y * tf.range(float(tf.size(y))).numpy().reshape(y.shape)) for y in (theirs, ours)]
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(tape.gradient(losses[1], x), tape.gradient(losses[0], x))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 200), st.booleans())
def test_edges_equal_the_formula(data, size, pseudo):
    """From 0 to the size, in steps of the ratio rounded down or up; samples whose products with the size are exact."""
    count = data.draw(st.integers(1, size))
    fractions = st.integers(1, 2**12 - 1).map(lambda i: i / 2**12)
    samples = data.draw(fractions if pseudo else st.lists(fractions, min_size=count, max_size=count, unique=True))
    edges = np.asarray(fractional_edges(size, count, samples, pseudo))
    assert edges.dtype == "int32" and edges.tolist() == reference_edges(size, count, samples, pseudo)
    assert (edges[0], edges[-1], len(edges)) == (0, size, count + 1)
    assert set(np.diff(edges)) <= {size // count, -(-size // count)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 5000), st.floats(2**-20, 1 - 2**-20, width=32))
def test_edges_of_any_sample_are_edges(data, size, sample):
    """However the sample's products are rounded, and with equal samples too."""
    count = data.draw(st.integers(1, size))
    for drawn in (fractional_edges(size, count, sample), fractional_edges(size, count, [sample] * count, False)):
        edges = np.asarray(drawn)
        assert (edges[0], edges[-1], len(edges)) == (0, size, count + 1)
        assert set(np.diff(edges)) <= {size // count, -(-size // count)}


def test_samples_move_the_edges():
    found = {tuple(fractional_edges(7, 5, (i + 0.5) / 70).numpy().tolist()) for i in range(70)}
    assert found == {tuple(reference_edges(7, 5, i / 7 + 0.01)) for i in range(7)}
    assert len(found) == 5  # two long steps, as far apart as they can be, at five positions
    assert fractional_edges(7, 4, [0.9, 0.1, 0.5, 0.7], False).numpy().tolist() == [0, 1, 3, 5, 7]


def pooled(cells, edges, overlapping, run):
    """Values of a row of elements, and the gradient of their sum."""
    x = tf.constant(cells, "float32")[None, :, None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(x, [edges], overlapping)
    return [np.ravel(part).tolist() for part in (y, tape.gradient(y, x))]


@pytest.mark.parametrize("run", [ops.fractional_max_pool, WHOLE], ids=["island", "whole"])
@pytest.mark.parametrize(
    "cells, overlapping, values, slopes",
    [
        ([1, 5, 7, 2, 0], False, [5, 7, 2], [0, 1, 1, 1, 0]),
        ([1, 5, 7, 2, 0], True, [7, 7, 2], [0, 0, 2, 1, 0]),  # an element on an edge belongs to both
        ([4, 4, 4, 4, 4], True, [4, 4, 4], [1, 0, 1, 1, 0]),  # the first of equals
        ([-np.inf] * 5, True, [-np.inf] * 3, [1, 0, 1, 1, 0]),
        ([1, np.nan, 7, 2, 9], False, [np.nan, 7, 9], [0, 1, 1, 0, 1]),
        ([1, 3, np.nan, 2, 9], True, [np.nan, np.nan, 9], [0, 0, 2, 0, 1]),
    ],
)
def test_who_wins(run, cells, overlapping, values, slopes):
    got = pooled(cells, [0, 2, 3, 5], overlapping, run)
    np.testing.assert_array_equal(got[0], values)
    assert got[1] == slopes


def test_edges_drawn_within_a_graph(seeds):
    """Unknown when the graph is made, and so unchecked; the output's size is known."""
    x = numbers(seeds, (2, 7, 6, 2), distinct=True)

    def run(x, u):
        return ops.fractional_max_pool(x, [fractional_edges(7, 5, u), fractional_edges(6, 4, 1 - u)], True)

    for whole in (False, True):
        fn = tf.function(run, [tf.TensorSpec((None, 7, 6, 2)), tf.TensorSpec(())], jit_compile=whole, autograph=False)
        assert fn.get_concrete_function().structured_outputs.shape == (None, 5, 4, 2)
        for u in (0.125, 0.75):
            edges = [reference_edges(7, 5, u), reference_edges(6, 4, 1 - u)]
            np.testing.assert_array_equal(fn(x, u), reference(x, edges, True))


@pytest.mark.parametrize("pseudo", [True, False])
def test_sizes_known_only_within_a_graph(pseudo):
    """Of the map, and so of the output: the same edges as of numbers."""
    samples = 0.75 if pseudo else [0.9, 0.1, 0.5, 0.7]
    specs = [tf.TensorSpec((), "int32")] * 2
    run = tf.function(lambda n, m: fractional_edges(n, m, samples, pseudo), specs, autograph=False)
    for size in (4, 7, 11):
        np.testing.assert_array_equal(run(size, 4), reference_edges(size, 4, samples, pseudo))


def test_second_order_gradient():
    """Loss max^2: gradient 2 max, squared 4 max^2, and its gradient 8 max, at the maximum alone."""
    (got,) = second_order(lambda x: ops.fractional_max_pool(x, [[0, 1, 3]]), [[[-2.0], [1.0], [3.0]]])
    assert got.ravel().tolist() == [-16, 0, 24]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(OP_CASES["fractional_max_pool"], 2, dtype)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    empty, one = np.zeros((0, *(3,) * rank, 2), "float32"), np.full((1, *(1,) * rank, 1), 3.0)
    assert ops.fractional_max_pool(empty, [[0, 1, 3]] * rank).shape == (0, *(2,) * rank, 2)
    assert np.ravel(ops.fractional_max_pool(one, [[0, 1]] * rank, overlapping=True)) == 3


X = np.zeros((1, 4, 5, 2), "float32")
FIVE = [0, 2, 4, 5]


@pytest.mark.parametrize("x, words", bad_samples("FractionalMaxPooling2D", integers=True))
def test_refuses_samples(x, words):
    refuses(words, ops.fractional_max_pool, x, [[0, 2, 4], FIVE])


@pytest.mark.parametrize(
    "vector",
    [
        [0, 2, 5],
        [0, 2],
        [1, 2, 4],
        [0, 2, 2, 4],
        [0, 3, 2, 4],
        [0, 1, 4],
        [0],
        [],
        [0.0, 2.0, 4.0],
        [[0, 2, 4]],
        [0, [2, 4]],
        ["0", "4"],
        None,
        "024",
        4,
        [False, True],
        tf.constant([0, 1, 4]),
        np.array([0, 3, 4], "uint8"),
        keras.Input((3,)),
    ],
    ids=str,
)
def test_refuses_edges(vector):
    words = "fractional_max_pool expects edges from 0 to 4 on spatial axis 0 in steps of 1 to 2; received edges="
    refuses(words, ops.fractional_max_pool, X, [vector, FIVE])
    refuses(words.replace("to 4 on spatial axis 0", "to 5 on spatial axis 1"), ops.fractional_max_pool, X,
            [[0, 2, 4], vector])  # fmt: skip


@pytest.mark.parametrize("edges", [[FIVE], [[0, 2, 4], FIVE, FIVE], None, 3, "ab c"])
def test_refuses_a_wrong_number_of_edges(edges):
    words = f"fractional_max_pool expects edges, 2 vectors of integers; received edges={edges!r}"
    refuses(words, ops.fractional_max_pool, X, edges)


@pytest.mark.parametrize("widest", [0, 1.5, True, None])
def test_refuses_widest(widest):
    words = f"fractional_max_pool expects widest, an integer of at least 1; received widest={widest!r}"
    refuses(words, ops.fractional_max_pool, X, [[0, 2, 4], FIVE], widest=widest)


@pytest.mark.parametrize(
    "args, words",
    [
        ((0, 1, 0.5), "fractional_edges expects size, an integer above 0; received size=0"),
        ((4.0, 1, 0.5), "size=4.0"),
        ((4, 5, 0.5), "fractional_edges expects count, an integer of 1 to 4; received count=5"),
        ((4, 0, 0.5), "count=0"),
        ((4, 2.0, 0.5), "count=2.0"),
        ((4, 2, [0.5]), "fractional_edges expects samples of shape (); received samples=(1,)"),
        ((4, 2, 0.5, False), "samples of shape (2,); received samples=()"),
        ((4, 2, [0.5] * 3, False), "samples=(3,)"),
    ],
)
def test_refuses_what_makes_no_edges(args, words):
    refuses(words, fractional_edges, *args)

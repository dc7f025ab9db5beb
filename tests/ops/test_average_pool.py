"""Average pooling: the reference, TensorFlow's average pool, what counts at each border, precisions, and refusals."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_finite_pool, normal
from tests.ops.harness import BAD_WINDOWS, CHECKS, bad_samples, close, half_precision, refuses, second_order, traced


def reference(
    x, ksize, strides=None, padding="valid", dilations=1, count_include_pad=False, divisor=None, ceil_mode=False
):
    """Each element of each window is looked up: in the sample, in the declared padding, or beyond it."""
    rank, spatial = x.ndim - 2, x.shape[1:-1]
    size, strides, dilations = (
        references.per_axis(v, rank) for v in (ksize, ksize if strides is None else strides, dilations)
    )
    where, output = references.windows(spatial, size, strides, padding, dilations, ceil_mode)
    mode, amounts = references.split_padding(padding)
    pairs = [references.pair_of(amounts, i, *axis) for i, axis in enumerate(zip(spatial, size, strides, dilations))]
    y = np.zeros((len(x), *output, x.shape[-1]))
    for position, cells in where:
        counted = 0
        for offset, cell in cells:
            at = [p * s + o * d for p, s, o, d in zip(position, strides, offset, dilations)]
            declared = all(i < sum(pair) + n for i, pair, n in zip(at, pairs, spatial))
            counted += cell is not None or (count_include_pad and declared)
            if cell is not None:
                y[(slice(None), *position)] += x[(slice(None), *cell)]
        y[(slice(None), *position)] /= divisor or counted
    return y


def draw(rng, rank, one, distinct):
    """The pool's settings; of the ten, those with explicit padding count it, and the last has a divisor."""
    (x,), kwargs = draw_finite_pool(rng, rank, one, distinct)
    counts = one["index"] in (6, 7) if one else bool(rng.random() < 0.5)
    divides = one["index"] == 9 if one else rng.random() < 0.25
    return Setting((x,), {**kwargs, "count_include_pad": counts, "divisor": 2.5 if divides else None})


OP_CASES = {"average_pool": Case(ops.average_pool, reference, draw)}


def pooled(cells, *args, **kwargs):
    """Means of a row of elements, as a list."""
    return np.ravel(ops.average_pool(np.array(cells, "float32").reshape(1, -1, 1), *args, **kwargs)).tolist()


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["average_pool"], rank)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", RANKS)
def test_equals_tensorflow(seeds, rank, padding):
    """Which leaves padding out, as the default here."""
    x = normal(seeds, 2, *(7, 6, 5)[:rank], 3)
    close(ops.average_pool(x, 3, 2, padding), tf.nn.avg_pool(x, 3, 2, padding.upper()))


@pytest.mark.parametrize(
    "kwargs, means",
    [
        ({}, [3.0]),  # of 2 and 4; 6 is left over
        ({"ceil_mode": True}, [3.0, 6.0]),
        ({"ceil_mode": True, "count_include_pad": True}, [3.0, 6.0]),  # what ceil_mode adds is no padding
        ({"ceil_mode": True, "divisor": 2}, [3.0, 3.0]),
        ({"padding": 1}, [2.0, 5.0]),
        ({"padding": 1, "count_include_pad": True}, [1.0, 5.0]),
        ({"padding": 1, "count_include_pad": True, "divisor": 4}, [0.5, 2.5]),
        ({"padding": ((0, 1),)}, [3.0, 6.0]),
        ({"padding": ((0, 1),), "count_include_pad": True}, [3.0, 3.0]),
        ({"padding": "same", "count_include_pad": True}, [3.0, 3.0]),
        ({"padding": "replicate"}, [3.0, 6.0]),
        ({"strides": 1, "padding": ("circular", ((0, 1),)), "count_include_pad": True}, [3.0, 5.0, 4.0]),
        ({"strides": 3, "padding": 1, "ceil_mode": True, "count_include_pad": True}, [1.0, 3.0]),
    ],
)
def test_what_counts(kwargs, means):
    """The means of windows of two of 2, 4 and 6."""
    assert pooled([2.0, 4.0, 6.0], 2, **kwargs) == means


def test_large_windows(seeds):
    """More taps on an axis than are written out, which a convolution sums."""
    x = normal(seeds, 1, 150, 3, 2)
    for kwargs in ({"ceil_mode": True}, {"padding": ((40, 30), 0), "count_include_pad": True}, {"divisor": 7}):
        close(ops.average_pool(x, (70, 2), (33, 1), **kwargs), reference(x, (70, 2), (33, 1), **kwargs), 1e-4)


def test_second_order_gradient():
    """y = (a + b) / 2, loss y^2: gradient y twice, squared 2 y^2, and its gradient 2 y twice."""
    (got,) = second_order(lambda x: ops.average_pool(x, 2), [[[1.0], [5.0]]])
    close(got.ravel(), np.float64([6, 6]), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(OP_CASES["average_pool"], rank, dtype)


@pytest.mark.parametrize("dtype, large", [("float16", 2048), ("bfloat16", 256)])
def test_half_precision_sums_in_float32(dtype, large):
    """The large number and 24 ones, which would be lost in half precision."""
    y = ops.average_pool(tf.constant([large, *[1] * 24], dtype)[None, :, None], 25)
    assert y.dtype == dtype
    close(tf.cast(y, "float64"), np.float64([[[(large + 24) / 25]]]), 2**-8)


@pytest.mark.parametrize("rank", RANKS)
def test_edges(rank):
    assert ops.average_pool(np.zeros((0, *(5,) * rank, 2)), 2, ceil_mode=True).shape == (0, *(3,) * rank, 2)
    assert np.ravel(ops.average_pool(np.full((1, *(1,) * rank, 1), 3.0), 2, 2, ceil_mode=True)).tolist() == [3]


def test_unknown_channels_are_kept():
    graph = traced(lambda x: ops.average_pool(x, 2), (None, None, None))
    close(graph(tf.constant([[[3.0], [4.0]]])), np.float64([[[3.5]]]))


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.average_pool, X, *args)
    refuses("average_pool expects", ops.average_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("AveragePooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.average_pool, x, 2)


@pytest.mark.parametrize("divisor", [0, -1, math.nan, math.inf, "2", True, (2,), 2j])
def test_refuses_divisors(divisor):
    words = f"average_pool expects divisor, a number above 0 or None; received divisor={divisor!r}"
    refuses(words, ops.average_pool, X, 2, divisor=divisor)


@pytest.mark.parametrize("count", [None, "yes", 2])
def test_refuses_counts(count):
    words = f"count_include_pad, True or False; received count_include_pad={count!r}"
    refuses(words, ops.average_pool, X, 2, count_include_pad=count)

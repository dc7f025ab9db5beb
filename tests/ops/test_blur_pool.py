"""Blur pooling: the reference, Zhang's padding and filter, what blurring keeps and removes, and refusals."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_pool, legal, normal
from tests.ops.harness import (
    BAD_WINDOWS,
    bad_samples,
    close,
    compiled,
    half_precision,
    inside_xla,
    refuses,
    slopes,
    uncompiled,
)


def reference(x, ksize=3, strides=2, padding=None, dilations=1, ceil_mode=False):
    size = references.per_axis(ksize, x.ndim - 2)
    if padding is None:
        more = [(k - 1) * d for k, d in zip(size, references.per_axis(dilations, x.ndim - 2))]
        padding = ("reflect", tuple((n // 2, math.ceil(n / 2)) for n in more))

    def binomial(offset):
        return math.prod(math.comb(k - 1, o) for k, o in zip(size, offset))

    return references.average_windows(x, binomial, ksize, strides, padding, dilations, ceil_mode)


def draw(rng, rank, one, distinct):
    """The pool's settings; half of them with the paper's padding where that has the elements to reflect."""
    (x,), kwargs = draw_pool(rng, rank, one, distinct)
    size = references.per_axis(kwargs["ksize"], rank)
    paper = ("reflect", tuple(((k - 1) // 2, k // 2) for k in size))
    half = one["index"] % 2 if one else rng.random() < 0.5
    if half and legal(x.shape[1:-1], size, kwargs["strides"], kwargs["dilations"], paper, pool=True):
        kwargs |= {"padding": None, "ceil_mode": False}
    return Setting((normal(rng, *x.shape),), kwargs)


CASE = Case(ops.blur_pool, reference, draw)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", [uncompiled, compiled, inside_xla, slopes])
def test_equals_the_loop(check, rank):
    check(CASE, rank)


@pytest.mark.parametrize("ksize, row", [(1, [1]), (2, [1, 1]), (3, [1, 2, 1]), (4, [1, 3, 3, 1]), (5, [1, 4, 6, 4, 1])])
def test_equals_the_paper(seeds, ksize, row):
    """Padding by reflection, the odd element after, then a depthwise convolution with the outer product."""
    x = normal(seeds, 2, 7, 8, 3)
    pair = ((ksize - 1) // 2, ksize // 2)
    padded = np.pad(x, ((0, 0), pair, pair, (0, 0)), "reflect")
    kernel = np.outer(row, row)[:, :, None, None] / np.sum(row) ** 2 * np.ones((1, 1, 3, 1))
    want = tf.nn.depthwise_conv2d(padded, kernel.astype("float32"), (1, 2, 2, 1), "VALID")
    close(got := ops.blur_pool(x, ksize), want)
    assert got.shape == (2, 4, 4, 3)


def test_a_window_of_3_with_a_stride_of_2_is_the_default(seeds):
    x = normal(seeds, 1, 6, 5, 2)
    np.testing.assert_array_equal(ops.blur_pool(x), ops.blur_pool(x, 3, 2, ("reflect", 1)))


@pytest.mark.parametrize("padding", [None, "valid", "same", "full", "circular", "replicate", ((1, 0), (0, 2))])
def test_a_constant_stays_itself(padding):
    x = np.full((1, 6, 5, 1), 3.0, "float32")
    for ksize in (2, 3, 4):
        close(y := ops.blur_pool(x, ksize, 2, padding), np.full(y.shape, 3.0))


def test_an_impulse_becomes_the_filter():
    x = np.zeros((1, 7, 1), "float32")
    x[0, 3] = 16
    assert np.ravel(ops.blur_pool(x, 5, 1)).tolist() == [0, 1, 4, 6, 4, 1, 0]
    assert np.ravel(ops.blur_pool(x, 3, 1)).tolist() == [0, 0, 4, 8, 4, 0, 0]


def test_what_alternates_is_removed():
    """The frequency that a stride of 2 would mistake for a constant."""
    x = np.array([1, -1] * 5, "float32").reshape(1, 10, 1)
    for ksize in (2, 3, 4, 5):
        assert not np.any(ops.blur_pool(x, ksize, padding="circular"))


def test_blurring_by_3_is_averaging_by_2_twice(seeds):
    x = normal(seeds, 2, 6, 7, 3)
    close(ops.blur_pool(x, 3, 1, "valid"), keras.ops.average_pool(keras.ops.average_pool(x, 2, 1), 2, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(CASE, 2, dtype)


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    args = (*args, 2, "valid")[: max(len(args), 3)] if len(args) < 3 else args
    refuses(words, ops.blur_pool, X, *args)
    refuses("blur_pool expects", ops.blur_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("BlurPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.blur_pool, x)


def test_refuses_what_has_too_few_cells_to_reflect():
    words = "blur_pool expects reflect padding of at most 0; received padding=(1, 1), size=1"
    refuses(words, ops.blur_pool, np.zeros((1, 1, 1), "float32"))


@pytest.mark.parametrize("k, d", [(2, 2), (3, 2), (4, 3), (5, 2)])
def test_the_papers_padding_keeps_the_size_with_a_dilation_too(k, d):
    assert ops.blur_pool(np.zeros((1, 16, 14, 1), "float32"), k, 1, dilations=d).shape == (1, 16, 14, 1)
    assert ops.blur_pool(np.zeros((1, 16, 14, 1), "float32"), k, 2, dilations=d).shape == (1, 8, 7, 1)

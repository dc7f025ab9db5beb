"""Gaussian pooling: the reference, narrow and wide bells, its default, and refusals; the rest is `weighted_pool`'s."""

import math

import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, draw_pool, normal
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


def reference(x, ksize, strides=None, padding="valid", dilations=1, sigma=None, ceil_mode=False):
    size = references.per_axis(ksize, x.ndim - 2)
    sigma = [k / 4 for k in size] if sigma is None else sigma
    sigmas = [sigma] * len(size) if isinstance(sigma, float) else sigma

    def bell(offset):
        return math.exp(-sum((o - (k - 1) / 2) ** 2 / (2 * s * s) for o, k, s in zip(offset, size, sigmas)))

    return references.average_windows(x, bell, ksize, strides, padding, dilations, ceil_mode)


def draw(rng, rank, one, distinct):
    """The pool's settings, with a sigma that is left out, a number, or one for each axis."""
    (x,), kwargs = draw_pool(rng, rank, one, distinct)
    sigmas = [float(s) for s in rng.uniform(0.3, 3, rank)]
    kwargs["sigma"] = (None, sigmas[0], tuple(sigmas))[one["index"] % 3 if one else int(rng.integers(3))]
    return Setting((normal(rng, *x.shape),), kwargs)


CASE = Case(ops.gaussian_pool, reference, draw)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", [uncompiled, compiled, inside_xla, slopes])
def test_equals_the_loop(check, rank):
    check(CASE, rank)


def test_equals_average_pooling_where_sigma_is_large(seeds):
    x = normal(seeds, 2, 7, 6, 3)
    for sigma in (1e6, 1e200):
        close(ops.gaussian_pool(x, 3, 2, "same", sigma=sigma), tf.nn.avg_pool(x, 3, 2, "SAME"))


def test_picks_the_centre_where_sigma_is_small(seeds):
    """Of an even window the two elements next to the centre; without a positive weight there would be NaN."""
    x = normal(seeds, 2, 6, 6, 3)
    for sigma in (0.01, 1e-200):
        close(ops.gaussian_pool(x, 3, 1, sigma=sigma), x[:, 1:-1, 1:-1])
        close(ops.gaussian_pool(x, (1, 4), 1, sigma=sigma), (x[:, :, 1:-2] + x[:, :, 2:-1]) / 2)


def test_sigma_is_a_quarter_of_the_window(seeds):
    x = normal(seeds, 2, 7, 6, 3)
    np.testing.assert_array_equal(ops.gaussian_pool(x, (4, 3)), ops.gaussian_pool(x, (4, 3), sigma=(1, 0.75)))
    y = ops.gaussian_pool([[[0.0], [1.0], [0.0]]], 3, sigma=2)
    close(np.ravel(y), np.float64([1 / (1 + 2 * math.exp(-1 / 8))]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    half_precision(CASE, 2, dtype)


X = np.zeros((1, 4, 5, 2), "float32")


@pytest.mark.parametrize("args, words", BAD_WINDOWS)
def test_refuses_windows(args, words):
    refuses(words, ops.gaussian_pool, X, *args)
    refuses("gaussian_pool expects", ops.gaussian_pool, X, *args)


@pytest.mark.parametrize("x, words", bad_samples("GaussianPooling2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.gaussian_pool, x, 2)


@pytest.mark.parametrize("sigma", [0, -1, math.nan, math.inf, "1", True, (1,), (1, 2, 3), (1, 0), (1, None), 1j])
def test_refuses_sigmas(sigma):
    words = f"gaussian_pool expects sigma, a number above 0 or 2 of them; received sigma={sigma!r}"
    refuses(words, ops.gaussian_pool, X, 2, sigma=sigma)

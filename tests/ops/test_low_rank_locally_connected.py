"""Low-rank local connectivity: the reference, its two ends, mixtures of each sample, precisions, refusals."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import RANKS, Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced

module = importlib.import_module("kzoo.ops.low_rank_locally_connected")  # the package has the function


def reference(x, kernel, mixture, **geometry):
    """At each position the kernel that it mixes, then the plain sum."""
    *size, _, _, filters = kernel.shape
    of_sample = mixture.ndim == x.ndim
    y = []
    for b, sample in enumerate(x):
        proportions = mixture[b] if of_sample else mixture

        def mixed(position, proportions=proportions):
            return sum(
                proportions[(*position, q)].astype("float64") * kernel[..., q, :] for q in range(kernel.shape[-2])
            )

        y.append(references.sum_windows(sample[None], np.zeros(filters), tuple(size), mixed, **geometry)[0])
    return np.stack(y)


def draw(rng, rank, one, distinct):
    """Mixtures of the positions, and of each sample."""
    del distinct
    one = one or random_geometry(rng, rank)
    size = references.per_axis(one["size"], rank)
    geometry = geometry_of(one)
    _, output = references.windows(one["spatial"], size, **geometry)
    kernels, of_sample = (one["index"] % 3 + 1, one["index"] % 2) if "index" in one else map(int, rng.integers(1, 3, 2))
    mixture = normal(rng, *((2,) if of_sample == 1 else ()), *output, kernels)
    return Setting((normal(rng, 2, *one["spatial"], 2), normal(rng, *size, 2, kernels, 2), mixture), geometry)


CASE = Case(ops.low_rank_locally_connected, reference, draw, free=False, curved=True)
OP_CASES = {"low_rank_locally_connected": CASE}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(CASE, rank)


@pytest.mark.parametrize("rank", RANKS)
def test_between_a_convolution_and_local_connections(seeds, rank):
    """Equal mixtures are a convolution with the mixed kernel; a kernel for each position is a locally connected op."""
    spatial, size = (5, 4, 3)[:rank], (2,) * rank
    x, output = normal(seeds, 2, *spatial, 2), tuple(n - 1 for n in spatial)
    kernel, mixture = normal(seeds, *size, 2, 3, 4), normal(seeds, 3)
    got = ops.low_rank_locally_connected(x, kernel, np.broadcast_to(mixture, (*output, 3)).copy())
    close(got, ops.conv(x, np.einsum("...qf,q->...f", kernel, mixture)))
    places = int(np.prod(output))
    own = normal(seeds, places, *size, 2, 4)
    got = ops.low_rank_locally_connected(
        x, np.moveaxis(own, 0, -2).copy(), np.eye(places, dtype="float32").reshape(*output, places)
    )
    close(got, ops.locally_connected(x, own.reshape(*output, *size, 2, 4)))


@pytest.mark.parametrize("rank", RANKS)
def test_mixing_responses_equals_mixing_kernels(monkeypatch, rank):
    """Of large outputs the responses are mixed, of small ones the kernels."""
    monkeypatch.setattr(module, "MOST_MIXED", 0)
    with ops.no_islands():
        for inputs, geometry in CASE.ten(rank):
            close(ops.low_rank_locally_connected(*inputs, **geometry), reference(*inputs, **geometry))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    half_precision(CASE, rank, dtype)


def test_second_order_gradient():
    """Loss (x k m)^2 of one element: the squared gradient is 4 x^2 k^4 m^4 + 4 x^4 k^2 m^4 + 4 x^4 k^4 m^2."""
    x, k, m = 3.0, 2.0, 0.5
    got = second_order(ops.low_rank_locally_connected, [[[x]]], [[[[k]]]], [[m]])

    def slope(a, b, c):
        return 8 * a * b**4 * c**4 + 16 * a**3 * b**2 * c**4 + 16 * a**3 * b**4 * c**2

    close([g.item() for g in got], [slope(x, k, m), slope(k, x, m), slope(m, x, k)], 1e-12)


def test_edges():
    kernel, mixture = np.zeros((3, 3, 2, 2, 4)), np.zeros((3, 3, 2))
    assert ops.low_rank_locally_connected(np.zeros((0, 5, 5, 2)), kernel, mixture).shape == (0, 3, 3, 4)
    assert ops.low_rank_locally_connected(np.zeros((1, 3, 3, 2)), kernel, mixture[:1, :1]).shape == (1, 1, 1, 4)


X, K, M = np.zeros((2, 5, 6, 2), "float32"), np.zeros((3, 3, 2, 2, 4), "float32"), np.zeros((3, 4, 2), "float32")


@pytest.mark.parametrize(
    "x, kernel, mixture, words",
    [
        (X, K[..., 0], M, "low_rank_locally_connected expects kernel (*size, channels, kernels, filters); received x="),
        (X[..., :1], K, M, "kernel (*size, channels, kernels, filters)"),
        (X, K, M[:2], "mixture (3, 4, 2), perhaps with a batch axis; received x=(2, 5, 6, 2), mixture=(2, 4, 2)."),
        (X, K, M[..., :1], "mixture (3, 4, 2), perhaps with a batch axis"),
        (X, K, M[None, None], "mixture (3, 4, 2), perhaps with a batch axis"),
        (X, K, np.stack([M, M, M]), "received x=(2, 5, 6, 2), mixture=(3, 3, 4, 2)."),
        (X, K, M.astype("float64"), "x, kernel and mixture of one dtype"),
        (X, np.zeros((7, 7, 2, 2, 4), "float32"), M, "a window that fits"),
        (keras.Input((5, 6, 2)), K, M, "kzoo.layers.LowRankLocallyConnected2D; received a KerasTensor=(None, 5"),
    ],
)
def test_refuses_operands(x, kernel, mixture, words):
    refuses(words, ops.low_rank_locally_connected, x, kernel, mixture)


def test_unknown_sizes_take_mixtures_of_the_samples(seeds):
    x, kernel, mixture = normal(seeds, 2, 5, 2), normal(seeds, 2, 2, 3, 4), normal(seeds, 2, 4, 3)
    specs = [tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, None, 3))]
    call = traced(lambda x, mixture: ops.low_rank_locally_connected(x, kernel, mixture), *specs)
    close(call(tf.constant(x), tf.constant(mixture)), ops.low_rank_locally_connected(x, kernel, mixture))

"""Spatially separable convolution: the reference, the composed kernel, any kernel by its SVD, precisions, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from kzoo.ops import filters
from tests import references
from tests.ops.cases import RANKS, Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, refuses, second_order, traced


def reference(x, *kernels, **geometry):
    """The kernel that the vectors compose, entry by entry, then the plain sum."""
    size, (depth, filters, terms) = tuple(len(k) for k in kernels), kernels[0].shape[1:]
    whole = np.zeros((*size, depth, filters))
    for *offset, c, f, q in np.ndindex(*whole.shape, terms):
        entry = float(kernels[0][offset[0], c, f, q])
        for kernel, o in zip(kernels[1:], offset[1:]):
            entry *= float(kernel[o, f, q])
        whole[(*offset, c, f)] += entry
    return references.sum_windows(x, whole, size, lambda position: whole, **geometry)


def draw(rng, rank, one, distinct):
    """Sums of one outer product, and of more."""
    del distinct
    one = one or random_geometry(rng, rank)
    size = references.per_axis(one["size"], rank)
    terms, depth, width = (one["index"] % 3 + 1, 2, 2) if "index" in one else (int(n) for n in rng.integers(1, 4, 3))
    kernels = [normal(rng, k, *(() if axis else (depth,)), width, terms) for axis, k in enumerate(size)]
    return Setting((normal(rng, 2, *one["spatial"], depth), *kernels), geometry_of(one))


def spatially_separable_conv(x, *kernels, **geometry):
    return ops.spatially_separable_conv(x, list(kernels), **geometry)


OP_CASES = {"spatially_separable_conv": Case(spatially_separable_conv, reference, draw, curved=True)}
SPATIAL = {1: (9,), 2: (7, 6), 3: (5, 4, 5)}
SUBSCRIPTS = {1: "acfq->acf", 2: "acfq,bfq->abcf", 3: "acfq,bfq,dfq->abdcf"}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["spatially_separable_conv"], rank)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("terms", [1, 3])
def test_equals_conv_with_the_kernel_it_composes(seeds, rank, terms):
    kernels = [normal(seeds, 3, 2, 4, terms), normal(seeds, 2, 4, terms), normal(seeds, 3, 4, terms)][:rank]
    x, whole = normal(seeds, 2, *SPATIAL[rank], 2), np.einsum(SUBSCRIPTS[rank], *kernels)
    for geometry in ({}, {"padding": "full", "strides": 2}, {"padding": "circular", "dilations": 2, "strides": 2}):
        got = ops.spatially_separable_conv(x, kernels, **geometry)
        close(got, ops.conv(x, whole, **geometry), what=geometry)


def test_sobels_kernel_is_one_outer_product(seeds):
    x = normal(seeds, 2, 7, 6, 1)
    down, smooth = np.array([-1, 0, 1], "float32"), np.array([1, 2, 1], "float32")
    for column, row, output in ((down, smooth, 0), (smooth, down, 1)):
        got = ops.spatially_separable_conv(x, [column.reshape(3, 1, 1, 1), row.reshape(3, 1, 1)], padding="reflect")
        close(got, ops.conv(x, filters.sobel()[..., output : output + 1], padding="reflect"))


@pytest.mark.parametrize("size", [(4, 3), (3, 3), (2, 5)])
def test_any_kernel_is_a_sum_of_as_many_as_its_rank(seeds, size):
    """Its singular vectors, times the values on one side; one term less does not do."""
    kernel, x = seeds.normal(size=size), seeds.normal(size=(2, 7, 6, 1))
    u, s, vh = np.linalg.svd(kernel, full_matrices=False)
    want = ops.conv(x, kernel[:, :, None, None], padding="same")
    for terms, exact in ((min(size), True), (min(size) - 1, False)):
        column, row = u[:, None, None, :terms] * s[:terms], vh[:terms].T[:, None, :]
        got = ops.spatially_separable_conv(x, [column, row], padding="same")
        assert (np.abs(got - want).max() < 1e-12) == exact  # float64


def test_several_channels_need_the_second_axis_many(seeds):
    """As a matrix (rows and channels, columns)."""
    kernel, x = seeds.normal(size=(2, 4, 3)), seeds.normal(size=(1, 5, 6, 3))  # rows, columns, channels
    u, s, vh = np.linalg.svd(kernel.transpose(0, 2, 1).reshape(6, 4), full_matrices=False)
    got = ops.spatially_separable_conv(x, [(u * s).reshape(2, 3, 1, 4), vh.T[:, None, :]])
    close(got, ops.conv(x, kernel[..., None]), 1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("rank", RANKS)
def test_precisions(rank, dtype):
    """The first axis' sums are rounded to the precision before the others': a rounding more, and one a term."""
    half_precision(OP_CASES["spatially_separable_conv"], rank, dtype)


def test_second_order_gradient():
    """Loss (x a b)^2 of one element: the squared gradient is 4 (x a^2 b^2)^2 + 4 (x^2 a b^2)^2 + 4 (x^2 a^2 b)^2."""
    x, a, b = 3.0, 2.0, 0.5
    got = second_order(lambda x, a, b: ops.spatially_separable_conv(x, [a, b]), [[[[x]]]], [[[[a]]]], [[[b]]])
    want = [
        8 * x * a**4 * b**4 + 16 * x**3 * a**2 * b**4 + 16 * x**3 * a**4 * b**2,
        16 * x**2 * a**3 * b**4 + 8 * x**4 * a * b**4 + 16 * x**4 * a**3 * b**2,
        16 * x**2 * a**4 * b**3 + 16 * x**4 * a**2 * b**3 + 8 * x**4 * a**4 * b,
    ]
    close([g.item() for g in got], want, 1e-12)


def test_edges():
    kernels = [np.zeros((3, 2, 4, 1)), np.zeros((2, 4, 1))]
    assert ops.spatially_separable_conv(np.zeros((0, 5, 5, 2)), kernels).shape == (0, 3, 4, 4)
    one = [np.full((1, 1, 1, 1), 2.0), np.full((1, 1, 1), 5.0)]
    assert np.ravel(ops.spatially_separable_conv(np.full((1, 1, 1, 1), 3.0), one, padding="reflect")) == [30]
    assert not np.any(ops.spatially_separable_conv(np.zeros((1, 2, 2, 1)), one))


X = np.zeros((1, 5, 6, 2), "float32")
K0, K1 = np.zeros((3, 2, 4, 1), "float32"), np.zeros((3, 4, 1), "float32")


@pytest.mark.parametrize(
    "x, kernels, words",
    [
        (X, K0, "spatially_separable_conv expects kernels, one for each spatial axis; received kernels=array("),
        (X, [], "kernels, one for each spatial axis; received kernels=[]"),
        (X, [K0], "kernels, one for each of 2 spatial axes; received kernels=1"),
        (X, [K0, K1, K1], "received kernels=3"),
        (X[0, 0], [K0], "x (batch, *spatial, channels) with 1 to 3 spatial axes; received shape=(6, 2)"),
        (X[None, None], [K0, K1], "1 to 3 spatial axes"),
        (X, [K1, K1], "kernels (size, channels, filters, terms), then (size, filters, terms); received x=(1, 5"),
        (X, [K0, K0], "kernels=[(3, 2, 4, 1), (3, 2, 4, 1)]"),
        (X[..., :1], [K0, K1], "received x=(1, 5, 6, 1), kernels=[(3, 2, 4, 1), (3, 4, 1)]"),
        (X, [K0, K1[:, :3]], "kernels=[(3, 2, 4, 1), (3, 3, 1)]"),
        (X, [K0, np.zeros((3, 4, 2), "float32")], "kernels=[(3, 2, 4, 1), (3, 4, 2)]"),
        (X, [K0, K1.astype("float64")], "x and kernels of one dtype; received x="),
        (X, [K0, np.zeros((7, 4, 1), "float32")], "a window that fits into the padded input on spatial axis 1"),
        (X, [K0[:0], K1], "ksize, an integer of at least 1 or 2 of them; received ksize=(0, 3)"),
        (X[:, :0], [K0, K1], "an input of at least 1 pixel on spatial axis 0"),
        (keras.Input((5, 6, 2)), [K0, K1], "kzoo.layers.SpatiallySeparableConv2D; received a KerasTensor=(None, 5"),
    ],
)
def test_refuses_operands(x, kernels, words):
    refuses(words, ops.spatially_separable_conv, x, kernels)


@pytest.mark.parametrize(
    "geometry, words",
    [
        ({"strides": 0}, "spatially_separable_conv expects strides, an integer of at least 1 or 2 of them"),
        ({"strides": 1.5}, "strides=1.5"),
        ({"dilations": (1, 2, 3)}, "dilations=(1, 2, 3)"),
        ({"padding": "half"}, "padding='half'"),
        ({"padding": ("reflect", 5)}, "reflect padding of at most 4"),
    ],
)
def test_refuses_geometry(geometry, words):
    refuses(words, ops.spatially_separable_conv, X, [K0, K1], **geometry)


def test_refuses_unknown_channels():
    words = "spatially_separable_conv expects kernels (size, channels, filters, terms)"
    refuses(words, traced, lambda x: ops.spatially_separable_conv(x, [K0, K1]), tf.TensorSpec((1, 5, 6, None)))

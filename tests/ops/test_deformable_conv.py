"""Deformable convolution: the reference, offsets of zero, of whole and of half pixels, masks, slopes, and refusals."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests import references
from tests.ops.cases import DTYPE, TEN, Case, Setting, chosen, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, close, half_precision, refuses


def reference(x, kernel, offsets, mask=None, **geometry):
    """Each tap samples the padded image, which is zero beyond its edges, at its own position."""
    size, spatial = kernel.shape[:2], x.shape[1:-1]
    strides, dilations = (references.per_axis(geometry.get(name, 1), 2) for name in ("strides", "dilations"))
    mode, cells = references.split_padding(geometry.get("padding", "valid"))
    pairs = [references.pair_of(cells, i, *axis) for i, axis in enumerate(zip(spatial, size, strides, dilations))]
    _, output = references.windows(spatial, size, **geometry)
    y = np.zeros((len(x), *output, kernel.shape[-1]))

    def look(sample, row, column):
        position, inside = [], True
        for p, (before, after), n in zip((row, column), pairs, spatial):
            position.append(references.source(int(p) - before, n, mode))
            inside = inside and 0 <= p < before + n + after
        return sample[tuple(position)].astype("float64") if inside and None not in position else np.zeros(x.shape[-1])

    for b, *position in np.ndindex(len(x), *output):
        for i, cell in enumerate(np.ndindex(*size)):
            shift = offsets[(b, *position, slice(2 * i, 2 * i + 2))]
            row, column = (p * s + o * d + float(t) for p, s, o, d, t in zip(position, strides, cell, dilations, shift))
            top, left = math.floor(row), math.floor(column)
            value = 0
            for r, c in itertools.product((top, top + 1), (left, left + 1)):
                value = value + (1 - abs(row - r)) * (1 - abs(column - c)) * look(x[b], r, c)
            weight = 1 if mask is None else float(mask[(b, *position, i)])
            y[(b, *position)] += weight * value @ kernel[cell]
    return y


def draw(rng, rank, one, distinct):
    """Offsets past the edges, half of them whole; distinct: a tenth or more from whole ones, where a slope jumps."""
    one = one or random_geometry(rng, rank, most=3)
    geometry, size = geometry_of(one), references.per_axis(one["size"], 2)
    shape = (2, *references.windows(one["spatial"], size, **geometry)[1], math.prod(size))
    offsets = rng.integers(-3, 3, (*shape[:-1], 2 * shape[-1])).astype("float64")
    fractions = rng.uniform(0.1, 0.9, offsets.shape)
    offsets += fractions if distinct else fractions * (rng.random(offsets.shape) < 0.5)
    x, kernel = normal(rng, 2, *one["spatial"], 2), normal(rng, *size, 2, 3)
    mask = [rng.random(shape).astype(DTYPE)] if rng.random() < 0.5 else []
    return Setting((x, kernel, offsets.astype(DTYPE), *mask), geometry)


OP_CASES = {"deformable_conv": Case(ops.deformable_conv, reference, draw, curved=True, ranks=(2,))}


def fields(x, kernel, down=0.0, right=0.0, **geometry):
    """The same offset everywhere."""
    output = ops.conv(x, kernel, **geometry).shape[1:-1]
    return np.tile(np.float32([down, right]), (len(x), *output, kernel.shape[0] * kernel.shape[1]))


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(OP_CASES["deformable_conv"], 2)


@pytest.mark.parametrize("index", range(len(TEN)))
def test_without_offsets_it_is_the_convolution(seeds, index):
    """Over all paddings, strides and dilations; and a mask of halves halves it."""
    one = chosen(index, 2)
    x, kernel = normal(seeds, 2, *one["spatial"], 3), normal(seeds, *one["size"], 3, 4)
    geometry = {name: one[name] for name in ("strides", "padding", "dilations")}
    offsets, want = fields(x, kernel, **geometry), np.asarray(ops.conv(x, kernel, **geometry))
    close(ops.deformable_conv(x, kernel, offsets, **geometry), want)
    mask = np.full((*offsets.shape[:-1], offsets.shape[-1] // 2), 0.5, "float32")
    close(ops.deformable_conv(x, kernel, offsets, mask, **geometry), want / 2)


@pytest.mark.parametrize("down, right", [(1, 0), (0, 1), (-2, 1), (2, -2)])
def test_whole_offsets_are_the_convolution_elsewhere(seeds, down, right):
    """Of an image moved the other way, zeros coming in."""
    x, kernel = normal(seeds, 2, 7, 8, 2), normal(seeds, 3, 2, 2, 3)
    filled = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    moved = filled[:, 2 + down : 9 + down, 2 + right : 10 + right]
    close(ops.deformable_conv(x, kernel, fields(x, kernel, down, right)), ops.conv(moved, kernel))


def test_half_offsets_are_means_of_neighbours(seeds):
    x, kernel = normal(seeds, 2, 6, 7, 2), normal(seeds, 2, 3, 2, 3)
    filled = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    right = (filled[:, :-1, :-1] + filled[:, :-1, 1:]) / 2
    both = (right + (filled[:, 1:, :-1] + filled[:, 1:, 1:]) / 2) / 2
    close(ops.deformable_conv(x, kernel, fields(x, kernel, 0, 0.5)), ops.conv(right, kernel))
    close(ops.deformable_conv(x, kernel, fields(x, kernel, 0.5, 0.5)), ops.conv(both, kernel))


def test_far_offsets_give_zeros(seeds):
    x, kernel = normal(seeds, 1, 4, 4, 2), normal(seeds, 2, 2, 2, 3)
    for far in (9.5, -9.5, 1e9, -3e38, np.nan):
        assert not np.any(ops.deformable_conv(x, kernel, fields(x, kernel, far)))


def test_each_kernel_cell_moves_for_itself():
    """Rows first, then down and right: the second of two adjacent taps samples one row down."""
    x = np.arange(6, dtype="float32").reshape(1, 2, 3, 1)
    kernel = np.float32([1, 10]).reshape(1, 2, 1, 1)
    offsets = np.zeros((1, 2, 2, 4), "float32")
    offsets[..., 2] = 1
    np.testing.assert_array_equal(np.ravel(ops.deformable_conv(x, kernel, offsets)), [40, 51, 3, 4])


def test_slope_along_an_offset():
    """The difference of the neighbours between which it lies; at a whole pixel, where a layer starts, to the right."""
    x = np.float32([1, 4, 9]).reshape(1, 1, 3, 1)
    for right in (0.25, 0.0):
        offsets = tf.constant([0.0, right], shape=(1, 1, 1, 2))
        with tf.GradientTape() as tape:
            tape.watch(offsets)
            y = ops.deformable_conv(x, np.ones((1, 1, 1, 1), "float32"), tf.tile(offsets, (1, 1, 3, 1)))
        slopes = tape.jacobian(y, offsets)[0, 0, :, 0, 0, 0, 0]
        np.testing.assert_allclose(slopes[:, 1], [3, 5, -9], rtol=1e-5)
        np.testing.assert_allclose(slopes[:, 0], -(np.float32([1, 4, 9]) * (1 - right) + np.float32([4, 9, 0]) * right))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions(dtype):
    """Patches and their sums are rounded to the precision as well."""
    half_precision(OP_CASES["deformable_conv"], 2, dtype)


def test_unknown_channels_aside_all_sizes_may_be_unknown(seeds):
    x, kernel = normal(seeds, 2, 6, 7, 2), normal(seeds, 3, 3, 2, 3)
    offsets = normal(seeds, 2, 6, 7, 18)
    specs = [tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((None,) * 3 + (18,))]
    for jit in (False, True):
        run = tf.function(
            lambda x, o: ops.deformable_conv(x, kernel, o, padding="same"), specs, jit_compile=jit, autograph=False
        )
        close(run(x, offsets), OP_CASES["deformable_conv"].reference(x, kernel, offsets, padding="same"))


X, K, F = np.zeros((1, 4, 5, 2), "float32"), np.zeros((2, 2, 2, 3), "float32"), np.zeros((1, 3, 4, 8), "float32")


def test_edges():
    assert ops.deformable_conv(X[:0], K, F[:0]).shape == (0, 3, 4, 3)


@pytest.mark.parametrize(
    "args, words",
    [
        ((X[0], K, F), "deformable_conv expects"),
        ((X.astype("int32"), K.astype("int32"), F), "deformable_conv expects floating x"),
        ((X, K[:, :, :1], F), "kernel channels equal to the input's; received channels=2"),
        ((X, K, F[:, :2]), "offsets of shape (1, 3, 4, 8); received offsets=(1, 2, 4, 8)"),
        ((X, K, F[..., :4]), "offsets=(1, 3, 4, 4)"),
        ((X, K, F.astype("float64")), "x and offsets of one dtype"),
        ((X, K, F, F), "mask of shape (1, 3, 4, 4); received mask=(1, 3, 4, 8)"),
        ((X, K, F, None, 0), "strides=0"),
        ((X, K, F, None, 1, "valid", 4), "a window that fits"),
        ((keras.Input((4, 5, 2)), K, F), "the layer kzoo.layers.DeformableConv2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.deformable_conv, *args)

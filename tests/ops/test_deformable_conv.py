"""Deformable convolution: the loop, offsets of zero, of whole and of half cells, masks, slopes, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import ops
from tests.ops.cases import CASES, TEN, chosen, normal
from tests.ops.harness import CHECKS, close, half_precision, refuses


def fields(x, kernel, down=0.0, right=0.0, **geometry):
    """The same offset everywhere."""
    output = ops.conv(x, kernel, **geometry).shape[1:-1]
    return np.tile(np.float32([down, right]), (len(x), *output, kernel.shape[0] * kernel.shape[1]))


@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check):
    check(CASES["deformable_conv"], 2)


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
    """Rows first, then down and right: the second of two cells side by side looks one row down."""
    x = np.arange(6, dtype="float32").reshape(1, 2, 3, 1)
    kernel = np.float32([1, 10]).reshape(1, 2, 1, 1)
    offsets = np.zeros((1, 2, 2, 4), "float32")
    offsets[..., 2] = 1
    np.testing.assert_array_equal(np.ravel(ops.deformable_conv(x, kernel, offsets)), [40, 51, 3, 4])


def test_slope_along_an_offset():
    """The difference of the neighbours between which it lies; at a whole cell, where a layer starts, to the right."""
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
    half_precision(CASES["deformable_conv"], 2, dtype)


def test_unknown_channels_aside_all_sizes_may_be_unknown(seeds):
    x, kernel = normal(seeds, 2, 6, 7, 2), normal(seeds, 3, 3, 2, 3)
    offsets = normal(seeds, 2, 6, 7, 18)
    specs = [tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((None,) * 3 + (18,))]
    for jit in (False, True):
        run = tf.function(
            lambda x, o: ops.deformable_conv(x, kernel, o, padding="same"), specs, jit_compile=jit, autograph=False
        )
        close(run(x, offsets), CASES["deformable_conv"].reference(x, kernel, offsets, padding="same"))


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
        ((X, K, F, None, 1, "SAME"), "padding='SAME'"),
        ((X, K, F, None, 1, "valid", 4), "a window that fits"),
        ((keras.Input((4, 5, 2)), K, F), "the layer kzoo.layers.DeformableConv2D; received a KerasTensor"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.deformable_conv, *args)

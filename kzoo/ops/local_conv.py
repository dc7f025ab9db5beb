"""Convolution with a kernel for each output position, computed as patches and one batched matrix product.

The gradients are written by hand. Each product then takes its operands in the order that is fast for XLA's small
products on CPU (a transposed left operand costs 3 to 5 times more), only x and the kernel are kept for the backward
pass, and the input's gradient is summed without the zeros with which differentiated slices are padded.
"""

import itertools
import math

from keras import ops

from kzoo.ops.backend import ceil_div, sum_dtype
from kzoo.ops.large_windows import tap_positions
from kzoo.ops.views import offset_slice, written_out
from kzoo.ops.xla import island

__all__ = ()  # for other ops only


def local_conv(x, kernel, win):
    """Returns the locally connected convolution of x.

    Shapes: x (B, *spatial, C), kernel (*output, *size, C, F), all known except B; returns (B, *output, F).
    """
    padded = x if win.pads == ((0, 0),) * len(win.size) else _pad(x, win=win)

    @ops.custom_gradient  # outside the islands: inside one, its results would hold copies of x and the kernel
    def run(x, kernel):
        def gradient(dy):  # two islands, so that the unused gradient for a first layer's input is not computed
            dx = _input_gradient(dy, kernel, win=win, spatial=tuple(padded.shape[1:-1]))
            return dx, _kernel_gradient(dy, x, win=win, shape=tuple(kernel.shape))

        return _product(x, kernel, win=win), gradient

    return run(padded, kernel)


@island
def _pad(x, *, win):
    return win.pad(x)


@island
def _product(x, kernel, *, win):
    output, filters = kernel.shape[: len(win.size)], kernel.shape[-1]
    x_patches = patches(_positions_first(x), win, output, -1)
    y = ops.matmul(_merge_positions(x_patches, win), _kernel_matrices(kernel, win))  # (positions, B, F)
    y = ops.transpose(y, (1, 0, 2))
    return ops.cast(ops.reshape(y, (ops.shape(x)[0], *output, filters)), x.dtype)


@island
def _kernel_gradient(dy, x, *, win, shape):
    x_patches = patches(_positions_first(x, swap=True), win, shape[: len(win.size)], -2)
    gradient = ops.matmul(
        _merge_positions(x_patches, win), _merge_positions(_positions_first(dy), win)
    )  # (positions, size * C, F)
    return ops.cast(ops.reshape(gradient, shape), dy.dtype)


@island
def _input_gradient(dy, kernel, *, win, spatial):
    rank = len(win.size)
    output = kernel.shape[:rank]
    dx_patches = ops.matmul(
        _merge_positions(_positions_first(dy), win), ops.transpose(_kernel_matrices(kernel, win), (0, 2, 1))
    )
    dx_patches = ops.reshape(dx_patches, (*output, ops.shape(dy)[0], dx_patches.shape[-1]))
    return ops.cast(ops.transpose(sum_patches(dx_patches, win, spatial), (rank, *range(rank), rank + 1)), dy.dtype)


def _positions_first(x, swap=False):
    """Returns (B, *spatial, C) as (*spatial, B, C), or with `swap` as (*spatial, C, B), in `sum_dtype`."""
    rank = len(x.shape) - 2
    last = (rank + 1, 0) if swap else (0, rank + 1)
    return ops.transpose(ops.cast(x, sum_dtype(x.dtype)), (*range(1, rank + 1), *last))


def _merge_positions(x, win):
    """Returns (*output, ...) as (positions, ...)."""
    rank = len(win.size)
    return ops.reshape(x, (math.prod(x.shape[:rank]), *ops.shape(x)[rank:]))


def _kernel_matrices(kernel, win):
    """Returns the kernel (*output, *size, C, F) as (positions, size * C, F), in `sum_dtype`."""
    rank = len(win.size)
    shape = math.prod(kernel.shape[:rank]), math.prod(kernel.shape[rank:-1]), kernel.shape[-1]
    return ops.cast(ops.reshape(kernel, shape), sum_dtype(kernel.dtype))


def patches(x, win, output, axis, first=0):
    """Returns each window's elements of padded x: the channels at its taps, in row-major order of the taps.

    Shapes: x (*spatial, B, C) with channel axis -1, or (*spatial, C, B) with channel axis -2; returns output in place
    of spatial and size * C in place of C. Taking one spatial axis after the other copies contiguous runs. `first` is
    the first spatial axis.
    """
    axis += len(x.shape)
    axes = enumerate(zip(output, win.size, win.strides, win.dilations), start=first)
    for i, (count, size, stride, dilation) in reversed(list(axes)):
        if written_out(size):
            views = [x[_axis_index(i, offset_slice(offset, count, stride, dilation))] for offset in range(size)]
            x = ops.stack(views, axis)
        else:
            x = ops.moveaxis(ops.take(x, tap_positions(count, size, stride, dilation), i), i + 1, axis)
        # stacked, then merged: XLA concatenates along a last axis slowly, and again for each reader
        x = _merge_axes(x, axis)
    return x


def sum_patches(x, win, spatial):
    """Returns (*spatial, B, C): each position of padded x receives the sum of its elements in all `patches`.

    It is the adjoint of `patches` with axis -1. Shapes: x (*output, B, size * C).
    """
    for i, (size, stride, dilation) in enumerate(zip(win.size, win.strides, win.dilations)):
        x = ops.reshape(x, (*ops.shape(x)[:-1], size, x.shape[-1] // size))
        if not written_out(size):
            x = _scatter_taps(x, i, tap_positions(x.shape[i], size, stride, dilation), spatial[i])
            continue
        parts = [(offset * dilation, x[..., offset, :]) for offset in range(size)]
        sums = []  # one for each remainder modulo stride: window p reads position p * stride + offset * dilation
        for rest in range(stride):
            hits = [((start - rest) // stride, part) for start, part in parts if (start - rest) % stride == 0]
            nothing = (0, parts[0][1][_axis_index(i, slice(0, 0))])
            sums.append(_overlap_add(hits or [nothing], i, ceil_div(spatial[i], stride)))
        x = _merge_axes(ops.stack(sums, i + 1), i)[_axis_index(i, slice(0, spatial[i]))]
    return x


def _scatter_taps(x, axis, positions, length):
    """Returns the sums of x (..., windows, ..., taps, C) at the taps' positions (windows, taps) on an axis."""
    x = ops.moveaxis(x, (axis, -2), (0, 1))
    shape = ops.shape(x)
    sums = ops.segment_sum(ops.reshape(x, (shape[0] * shape[1], *shape[2:])), positions.reshape(-1), length)
    return ops.moveaxis(sums, 0, axis)


def _overlap_add(parts, axis, length):
    """Returns the sum of parts that start at given positions of an axis and count as zero elsewhere.

    Where all parts overlap it is a sum of plain slices, which XLA computes 2 to 3 times faster than a sum of
    zero-padded parts.
    """
    ends = [start + part.shape[axis] for start, part in parts]
    cuts = sorted({0, max(start for start, _ in parts), min(ends), length})
    pieces = []
    for a, b in itertools.pairwise(cuts):
        total = 0
        for (start, part), end in zip(parts, ends):
            first = min(max(start, a), b)
            last = max(min(end, b), first)
            pads = [(first - a, b - last) if i == axis else (0, 0) for i in range(len(part.shape))]
            piece = part[_axis_index(axis, slice(first - start, last - start))]
            total = total + (piece if last - first == b - a else ops.pad(piece, pads))
        pieces.append(total)
    return ops.concatenate(pieces, axis)


def _merge_axes(x, axis):
    """Returns x with this axis and the next merged into one."""
    shape = ops.shape(x)
    return ops.reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _axis_index(axis, index):
    return (slice(None),) * axis + (index,)

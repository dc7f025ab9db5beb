"""The lowering of a convolution with a kernel for each output position: patches, and one batched matrix product.

Its gradients are written out. So each product meets its operands in the order in which XLA's small products on CPU are
fast (a transposed left operand costs 3 to 5 times more), nothing but x and the kernel is kept for them, and the
input's gradient is summed without the zeros that differentiated slices are padded with.

Source: none.
"""

import itertools
import math

from keras import ops

from kzoo.ops.backend import ceil_div, wide
from kzoo.ops.views import tap
from kzoo.ops.xla import island


def local_conv(x, kernel, win):
    """Shapes: x (B, *spatial, C), kernel (*output, *size, C, F), all known but B; returns (B, *output, F)."""
    padded = x if win.pads == ((0, 0),) * len(win.size) else _pad(x, win=win)

    @ops.custom_gradient  # around the islands, not inside one: its results would hold copies of x and the kernel
    def run(x, kernel):
        def gradient(dy):  # two islands: a first layer's gradient for x, which nobody asks for, is not computed
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
    cells = patches(_first(x), win, output, -1)
    y = ops.matmul(_flat(cells, win), _matrices(kernel, win))  # (positions, B, F)
    y = ops.transpose(y, (1, 0, 2))
    return ops.cast(ops.reshape(y, (ops.shape(x)[0], *output, filters)), x.dtype)


@island
def _kernel_gradient(dy, x, *, win, shape):
    cells = patches(_first(x, swap=True), win, shape[: len(win.size)], -2)
    gradient = ops.matmul(_flat(cells, win), _flat(_first(dy), win))  # (positions, size * C, F)
    return ops.cast(ops.reshape(gradient, shape), dy.dtype)


@island
def _input_gradient(dy, kernel, *, win, spatial):
    rank = len(win.size)
    output = kernel.shape[:rank]
    cells = ops.matmul(_flat(_first(dy), win), ops.transpose(_matrices(kernel, win), (0, 2, 1)))
    cells = ops.reshape(cells, (*output, ops.shape(dy)[0], cells.shape[-1]))
    return ops.cast(ops.transpose(fold(cells, win, spatial), (rank, *range(rank), rank + 1)), dy.dtype)


def _first(x, swap=False):
    """(B, *spatial, C) -> (*spatial, B, C), or swapped (*spatial, C, B); wide enough to sum in."""
    rank = len(x.shape) - 2
    last = (rank + 1, 0) if swap else (0, rank + 1)
    return ops.transpose(ops.cast(x, wide(x.dtype)), (*range(1, rank + 1), *last))


def _flat(x, win):
    """(*output, ...) -> (positions, ...)."""
    rank = len(win.size)
    return ops.reshape(x, (math.prod(x.shape[:rank]), *ops.shape(x)[rank:]))


def _matrices(kernel, win):
    """(*output, *size, C, F) -> (positions, size * C, F), wide enough to sum in."""
    rank = len(win.size)
    shape = math.prod(kernel.shape[:rank]), math.prod(kernel.shape[rank:-1]), kernel.shape[-1]
    return ops.cast(ops.reshape(kernel, shape), wide(kernel.dtype))


def patches(x, win, output, axis):
    """What each window meets of padded x: the channels of its cells, cell after cell in row-major order.

    Shapes: x (*spatial, B, C) with axis -1, or (*spatial, C, B) with axis -2, where the channels are; returns the same
    with output for spatial and size * C for C. It goes one spatial axis after the other: the first makes whole runs
    for the next.
    """
    axis += len(x.shape)
    for i, (size, stride, dilation) in reversed(list(enumerate(zip(win.size, win.strides, win.dilations)))):
        views = [x[_at(i, tap(offset, output[i], stride, dilation))] for offset in range(size)]
        # stacked, then merged: XLA concatenates a last axis slowly, and once more for each that reads it
        x = _merged(ops.stack(views, axis), axis)
    return x


def fold(cells, win, spatial):
    """The adjoint of `patches` with axis -1: each cell of padded x receives the sum of what its windows hold for it.

    Shapes: cells (*output, B, size * C); returns (*spatial, B, C).
    """
    for i, (size, stride, dilation) in enumerate(zip(win.size, win.strides, win.dilations)):
        cells = ops.reshape(cells, (*ops.shape(cells)[:-1], size, cells.shape[-1] // size))
        parts = [(offset * dilation, cells[..., offset, :]) for offset in range(size)]
        sums = []  # window p meets the cell p * stride + offset * dilation: a sum of its own for each remainder
        for rest in range(stride):
            met = [((start - rest) // stride, part) for start, part in parts if (start - rest) % stride == 0]
            nothing = (0, parts[0][1][_at(i, slice(0, 0))])
            sums.append(_overlapped(met or [nothing], i, ceil_div(spatial[i], stride)))
        cells = _merged(ops.stack(sums, i + 1), i)[_at(i, slice(0, spatial[i]))]
    return cells


def _overlapped(parts, axis, length):
    """The sum of parts that begin at places of an axis, and are zero beyond.

    Between where the last begins and the first ends it is a sum of plain slices, which XLA computes 2 to 3 times
    faster than a sum of parts that zeros extend.
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
            piece = part[_at(axis, slice(first - start, last - start))]
            total = total + (piece if last - first == b - a else ops.pad(piece, pads))
        pieces.append(total)
    return ops.concatenate(pieces, axis)


def _merged(x, axis):
    """This axis and the next as one."""
    shape = ops.shape(x)
    return ops.reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _at(axis, cells):
    return (slice(None),) * axis + (cells,)

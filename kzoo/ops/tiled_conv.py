"""Tiled convolution: the kernels rotate with a period across space.

Between convolution (period 1) and a locally connected layer (period = output size) lies one family. Two lowerings
compute it: views side by side on the channel axis, positions grouped by the kernel they meet, and one batched matrix
product; or, where that is faster, a convolution for each kernel, whose stride is the tile. At the local end, where no
two positions meet the same kernel, `local_conv` is faster than both.

Source: Gregor & LeCun 2010, arXiv:1006.0448; Le et al. 2010, "Tiled convolutional neural networks"; Goodfellow,
Bengio & Courville 2016, "Deep Learning", section 9.5, equation 9.10.
"""

import functools
import itertools
import math

import keras
import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import ceil_div, convolve, dtype_of, gradient_of, tensors, wide
from kzoo.ops.conv import check_operands, conv
from kzoo.ops.local_conv import local_conv
from kzoo.ops.views import window
from kzoo.ops.xla import compiling, island

CHANNELS, WORK = 16, 5e6  # what a convolution or product needs to be fast: channels, and multiplications a call


def tiled_conv(x, kernel, strides=1, padding="valid", dilations=1):
    """Convolve x with kernels that take turns: output position p meets kernel p modulo tile, on each axis.

    Shapes: x (B, *spatial, C), kernel (*tile, *size, C, F), in 1 to 3 spatial axes; returns (B, *output, F).
    The tile is at most the output's size. Units: cells.
    padding: as `conv`. Errors: ValueError that names the argument, what is expected and what came.

    >>> kernel = ops.reshape(ops.convert_to_tensor([1.0, -1.0]), (2, 1, 1, 1))
    >>> tiled_conv(ops.ones((1, 5, 1)), kernel)[0, :, 0].numpy()
    array([ 1., -1.,  1., -1.,  1.], dtype=float32)
    """
    return rotated_conv("tiled_conv", "TiledConv{}D", x, kernel, strides, padding, dilations)


def rotated_conv(who, layer, x, kernel, strides, padding, dilations, local=False):
    """The family's checks: `tiled_conv`, or if `local` a tile that must be the output's size."""
    x, kernel = tensors(who, layer, x, kernel)
    layout = f"(*{'output' if local else 'tile'}, *size, channels, filters)"
    rank = check_operands(who, x, kernel, layout, tiled=True)
    require(
        kernel.shape[-2] == x.shape[-1],
        who,
        "kernel channels equal to the input's",
        channels=x.shape[-1],
        kernel=tuple(kernel.shape),
    )
    tile, size = tuple(kernel.shape[:rank]), tuple(kernel.shape[rank : 2 * rank])
    win = window(who, rank, size, strides, padding, dilations)
    win.check(who, x.shape[1:-1])
    output = win.output(x.shape[1:-1])
    if not local:
        fits = all(t > 0 and (n is None or t <= n) for t, n in zip(tile, output))
        require(fits, who, "a tile of at least 1 and no larger than the output", tile=tile, output=output)
    if local:
        require(tile == output, who, "one kernel for each output position", output=output, kernel=tuple(kernel.shape))
    if all(t == 1 for t in tile):
        return conv(x, ops.reshape(kernel, kernel.shape[rank:]), strides, padding, dilations)
    if tile == output:
        return local_conv(x, kernel, win)
    if _suits_convolutions(x, kernel, output, win):
        return _convolutions(win.pad(x), kernel)
    return _rotated_conv(x, kernel, win=win)


def _suits_convolutions(x, kernel, output, win):
    """Whether a convolution for each kernel is faster: about twice on CPU, forward and gradients.

    It is not inside XLA, where gradients of convolutions are slow; nor with few channels, where those for the input
    are slow everywhere and patches small; nor in float16, for whose gradients oneDNN has nothing; nor with strides or
    dilations; nor if a kernel has too little to do for a call of its own.
    """
    outside = keras.backend.backend() == "tensorflow" and not compiling() and dtype_of(x) != "float16"
    tile, rest = kernel.shape[: len(output)], kernel.shape[len(output) :]
    positions = (x.shape[0] or 32) * math.prod((n or 32) // t for n, t in zip(output, tile))  # unknown: as in training
    work = positions * math.prod(rest)
    return outside and x.shape[-1] >= CHANNELS and max(*win.strides, *win.dilations) == 1 and work >= WORK


def _convolutions(x, kernel):
    """`tiled_conv` of x padded already, without strides and dilations."""

    @ops.custom_gradient
    def run(x, kernel):
        def gradient(dy):
            # for x it is a tiled convolution again, faster than the sum of the gradients of strided convolutions
            dx = _phases(dy, _turned(kernel), full=True)
            return dx, gradient_of(lambda kernel: _phases(x, kernel), kernel, dy)

        return _phases(x, kernel), gradient

    return run(x, kernel)


def _phases(x, kernel, full=False):
    """A convolution for each kernel, put together; `full` pads x by all that a window reaches beyond its first cell."""
    rank = len(x.shape) - 2
    tile, size, channels = kernel.shape[:rank], kernel.shape[rank:-2], kernel.shape[-2]
    before = [k - 1 if full else 0 for k in size]
    output = [n + 2 * b - k + 1 for n, b, k in zip(ops.shape(x)[1:-1], before, size)]
    whole = [
        ceil_div(n, t) * t + k - 1 for n, t, k in zip(output, tile, size)
    ]  # room for the last turn of every kernel
    after = [w - b - n for w, b, n in zip(whole, before, ops.shape(x)[1:-1])]
    # All samples shifted by whole cells are a slice of one long row of cells, which TensorFlow takes without a copy;
    # what comes in at a sample's end lies beyond the last window. A sample more makes the row long enough.
    cells = ops.reshape(ops.pad(x, ((0, 1), *zip(before, after), (0, 0))), (-1, channels))
    length = ops.shape(cells)[0] - math.prod(whole)
    parts = []
    kernels = ops.unstack(ops.reshape(kernel, (math.prod(tile), *kernel.shape[rank:])))
    for phase, one in zip(itertools.product(*map(range, tile)), kernels):
        start = functools.reduce(lambda start, axis: start * whole[axis] + phase[axis], range(rank), 0)
        shifted = ops.reshape(cells[start : start + length], (-1, *whole, channels))
        parts.append(convolve(shifted, one, tile, "VALID", (1,) * rank))
    for axis in range(rank, 0, -1):
        turn = tile[axis - 1]
        parts = [_interleave(parts[i : i + turn], axis) for i in range(0, len(parts), turn)]
    # a slice, as the gradient of an index is a slow one
    return ops.slice(parts[0], (0,) * (rank + 2), (ops.shape(x)[0], *output, kernel.shape[-1]))


def _interleave(parts, axis):
    """Tensors of one shape as one, whose cells take turns along an axis."""
    y = ops.stack(parts, axis + 1)
    shape = ops.shape(y)
    return ops.reshape(y, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _turned(kernel):
    """The kernels of the gradient for the input: each cell p meets kernel (p - o) modulo tile at its offset o."""
    rank = len(kernel.shape) // 2 - 1
    tile, size = kernel.shape[:rank], kernel.shape[rank:-2]
    places = np.indices((*tile, *size))
    offsets = [k - 1 - o for k, o in zip(size, places[rank:])]
    phases = [(p - o) % t for p, o, t in zip(places, offsets, tile)]
    index = np.ravel_multi_index((*phases, *offsets), (*tile, *size))
    matrices = ops.take(ops.reshape(kernel, (-1, *kernel.shape[-2:])), index.ravel(), 0)
    return ops.reshape(ops.swapaxes(matrices, 1, 2), (*tile, *size, *kernel.shape[:-3:-1]))


@island
def _rotated_conv(x, kernel, *, win):
    rank = len(win.size)
    tile, (*_, channels, filters) = kernel.shape[:rank], kernel.shape
    output = win.output(ops.shape(x)[1:-1])
    turns = tuple(ceil_div(n, t) for n, t in zip(output, tile))
    # whole turns only: zeros after the input make up the last one, and its surplus is cropped below
    rounded = tuple(q * t for q, t in zip(turns, tile))
    surplus = tuple((0, (r - n) * s) for r, n, s in zip(rounded, output, win.strides))
    padded = ops.pad(win.pad(x), ((0, 0), *surplus, (0, 0)))
    views = [view for _, view in win.views(padded, rounded)]

    # A product for each row of the kernel, summed: narrower patches stay in cache, 1.2-1.5 times faster than all at
    # once, but for few channels, whose rows are too narrow for a product.
    parts = 1 if math.prod(win.size[1:]) * channels < CHANNELS else win.size[0]
    width = len(views) // parts
    kernels = ops.reshape(kernel, (math.prod(tile), parts, width * channels, filters))
    total = 0.0
    for part in range(parts):
        patches = ops.concatenate(views[part * width : (part + 1) * width], -1)
        product = ops.matmul(_group(patches, turns, tile), kernels[:, part])  # (tiles, positions, F)
        total = total + ops.cast(product, wide(x.dtype))
    y = _ungroup(ops.cast(total, x.dtype), ops.shape(x)[0], turns, tile)
    return y[(slice(None), *(slice(0, n) for n in output))]


def _group(x, turns, tile):
    """(B, *turns * tile, K) -> (tiles, B * turns, K): positions that meet the same kernel, together."""
    rank, shape = len(tile), ops.shape(x)
    split = [n for pair in zip(turns, tile) for n in pair]  # turns and tile interleaved
    x = ops.reshape(x, (shape[0], *split, shape[-1]))
    x = ops.transpose(x, (*range(2, 2 * rank + 1, 2), 0, *range(1, 2 * rank, 2), 2 * rank + 1))
    return ops.reshape(x, (math.prod(tile), -1, shape[-1]))


def _ungroup(y, batch, turns, tile):
    """The inverse of `_group`."""
    rank, filters = len(tile), y.shape[-1]
    y = ops.reshape(y, (*tile, batch, *turns, filters))
    order = [rank] + [axis for i in range(rank) for axis in (rank + 1 + i, i)] + [2 * rank + 1]
    y = ops.transpose(y, order)
    return ops.reshape(y, (batch, *(q * t for q, t in zip(turns, tile)), filters))

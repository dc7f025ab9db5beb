"""Tiled convolution: the kernels repeat with a period, the tile, across space.

A tile of 1 is a convolution; a tile as large as the output is a locally connected layer. `conv` computes the former and
`local_conv` the latter. Any other tile is computed by a strided convolution for each kernel (`_by_convolutions`), or by
batched products of the kernels with the patches at their positions (`_by_matrix_product`).

Source: Gregor & LeCun 2010, arXiv:1006.0448; Le et al. 2010, "Tiled convolutional neural networks"; Goodfellow, Bengio
& Courville 2016, "Deep Learning", section 9.5, equation 9.10.
"""

import functools
import itertools
import math

import keras
import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import ceil_div, convolve, dtype_of, gradient_of, sum_dtype, tensors
from kzoo.ops.conv import check_operands, conv
from kzoo.ops.large_windows import gather_patches
from kzoo.ops.local_conv import local_conv
from kzoo.ops.sizes import after_checks, every, require_size, sizes_of
from kzoo.ops.views import window, written_out
from kzoo.ops.xla import compiling, island
from kzoo.types import Padding, Size, Tensor

MIN_CHANNELS, MIN_WORK = 16, 5e6  # channels and multiplications that make a convolution or product fast


def tiled_conv(x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1) -> Tensor:
    """Returns the convolution of x with rotating kernels: on each axis, output position p uses kernel p modulo tile.

    Shapes: x (B, *spatial, C), kernel (*tile, *size, C, F), in 1 to 3 spatial axes; returns (B, *output, F). The tile
    is at most as large as the output. padding: as `conv`.

    >>> kernel = ops.reshape(ops.convert_to_tensor([1.0, -1.0]), (2, 1, 1, 1))
    >>> tiled_conv(ops.ones((1, 5, 1)), kernel)[0, :, 0].numpy()
    array([ 1., -1.,  1., -1.,  1.], dtype=float32)
    """
    return tiled_or_local_conv("tiled_conv", "TiledConv{}D", x, kernel, strides, padding, dilations)


def tiled_or_local_conv(who, layer, x, kernel, strides, padding, dilations, local=False):
    """Returns `tiled_conv`, or `locally_connected` if `local`, computed in the fastest way for these operands."""
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
    win.check(who, sizes_of(x))
    output = win.output(x.shape[1:-1])
    if not local:
        sizes = win.output(sizes_of(x))
        fits = every(condition for t, n in zip(tile, sizes) for condition in (t > 0, n is None or t <= n))
        require_size(fits, who, "a tile of at least 1 and no larger than the output", tile=tile, output=sizes)
    x = after_checks(x)
    if local:
        require(tile == output, who, "one kernel for each output position", output=output, kernel=tuple(kernel.shape))
    if all(t == 1 for t in tile):
        return conv(x, ops.reshape(kernel, kernel.shape[rank:]), strides, padding, dilations)
    if tile == output:
        return local_conv(x, kernel, win)
    if _prefers_convolutions(x, kernel, output, win):
        return _by_convolutions(win.pad(x), kernel)
    return _by_matrix_product(x, kernel, win=win)


def _prefers_convolutions(x, kernel, output, win):
    """Returns whether to compute a convolution for each kernel, on CPU about twice as fast, instead of matrix products.

    It is slower inside XLA, where gradients of convolutions are slow; with few channels, where patches are small and
    the gradients for the input slow; and if a kernel has too few multiplications for a call of its own. In float16
    oneDNN lacks the gradients. Strides and dilations are left to matrix products.
    """
    outside = keras.backend.backend() == "tensorflow" and not compiling() and dtype_of(x) != "float16"
    tile, rest = kernel.shape[: len(output)], kernel.shape[len(output) :]
    # an unknown size counts as 32, as in training
    positions = (x.shape[0] or 32) * math.prod((n or 32) // t for n, t in zip(output, tile))
    work = positions * math.prod(rest)
    outside = outside and written_out(*tile)
    return outside and x.shape[-1] >= MIN_CHANNELS and max(*win.strides, *win.dilations) == 1 and work >= MIN_WORK


def _by_convolutions(x, kernel):
    """Returns `tiled_conv` of padded x, without strides and dilations, with its gradients."""

    @ops.custom_gradient
    def run(x, kernel):
        def gradient(dy):
            # the gradient for x is a tiled convolution again: faster than summing gradients of strided convolutions
            dx = _interleaved_convolutions(dy, _gradient_kernel(kernel), full=True)
            return dx, gradient_of(lambda kernel: _interleaved_convolutions(x, kernel), kernel, dy)

        return _interleaved_convolutions(x, kernel), gradient

    return run(x, kernel)


def _interleaved_convolutions(x, kernel, full=False):
    """Returns the interleaved outputs of one convolution for each kernel.

    `full` pads x by the kernel size less one on both sides.
    """
    rank = len(x.shape) - 2
    tile, size, channels = kernel.shape[:rank], kernel.shape[rank:-2], kernel.shape[-2]
    before = [k - 1 if full else 0 for k in size]
    output = [n + 2 * b - k + 1 for n, b, k in zip(ops.shape(x)[1:-1], before, size)]
    # input sizes at which the output is a whole number of tiles
    rounded = [ceil_div(n, t) * t + k - 1 for n, t, k in zip(output, tile, size)]
    after = [w - b - n for w, b, n in zip(rounded, before, ops.shape(x)[1:-1])]
    # With samples and positions flattened to one row, x shifted by some positions is a slice of the row, which
    # TensorFlow takes without a copy. Each sample then ends with elements of the next one, but no window reaches them.
    # An extra sample makes the row long enough.
    row = ops.reshape(ops.pad(x, ((0, 1), *zip(before, after), (0, 0))), (-1, channels))
    length = ops.shape(row)[0] - math.prod(rounded)
    parts = []
    kernels = ops.unstack(ops.reshape(kernel, (math.prod(tile), *kernel.shape[rank:])))
    for phase, one in zip(itertools.product(*map(range, tile)), kernels):
        start = functools.reduce(lambda start, axis: start * rounded[axis] + phase[axis], range(rank), 0)
        shifted = ops.reshape(row[start : start + length], (-1, *rounded, channels))
        parts.append(convolve(shifted, one, tile, "VALID", (1,) * rank))
    for axis in range(rank, 0, -1):
        turn = tile[axis - 1]
        parts = [_interleave(parts[i : i + turn], axis) for i in range(0, len(parts), turn)]
    # ops.slice, as the gradient of an index expression is slow
    return ops.slice(parts[0], (0,) * (rank + 2), (ops.shape(x)[0], *output, kernel.shape[-1]))


def _interleave(parts, axis):
    """Returns tensors of one shape as one tensor, in which their elements alternate along an axis."""
    y = ops.stack(parts, axis + 1)
    shape = ops.shape(y)
    return ops.reshape(y, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _gradient_kernel(kernel):
    """Returns the kernels of the tiled convolution that computes the gradient for x from dy.

    Kernel p has, at the mirrored offset k - 1 - o, the transposed matrix of kernel (p - o) modulo tile at offset o.
    """
    rank = len(kernel.shape) // 2 - 1
    tile, size = kernel.shape[:rank], kernel.shape[rank:-2]
    grid = np.indices((*tile, *size))
    offsets = [k - 1 - o for k, o in zip(size, grid[rank:])]
    phases = [(p - o) % t for p, o, t in zip(grid, offsets, tile)]
    index = np.ravel_multi_index((*phases, *offsets), (*tile, *size))
    matrices = ops.take(ops.reshape(kernel, (-1, *kernel.shape[-2:])), index.ravel(), 0)
    return ops.reshape(ops.swapaxes(matrices, 1, 2), (*tile, *size, *kernel.shape[:-3:-1]))


@island
def _by_matrix_product(x, kernel, *, win):
    rank = len(win.size)
    tile, (*_, channels, filters) = kernel.shape[:rank], kernel.shape
    output = win.output(ops.shape(x)[1:-1])
    turns = tuple(ceil_div(n, t) for n, t in zip(output, tile))
    # sizes rounded up to whole tiles: zeros after the input fill the last one, and the surplus is cropped below
    rounded = tuple(q * t for q, t in zip(turns, tile))
    surplus = tuple((0, (r - n) * s) for r, n, s in zip(rounded, output, win.strides))
    padded = ops.pad(win.pad(x), ((0, 0), *surplus, (0, 0)))
    if not written_out(*win.size):
        padded = ops.cast(padded, sum_dtype(x.dtype))  # the gradient of a gather is a sum over the windows
        patches = ops.cast(gather_patches(padded, win, rounded), x.dtype)
        patches = ops.reshape(patches, (-1, *rounded, math.prod(win.size) * channels))
        product = ops.matmul(
            _group_by_kernel(patches, turns, tile), ops.reshape(kernel, (math.prod(tile), -1, filters))
        )
        return _cropped(product, x, turns, tile, output)
    views = [view for _, view in win.views(padded, rounded)]

    # A product for each row of the kernel, summed: narrower patches stay in cache, 1.2-1.5 times faster than all at
    # once. With few channels a row is too narrow for a product of its own.
    parts = 1 if math.prod(win.size[1:]) * channels < MIN_CHANNELS else win.size[0]
    width = len(views) // parts
    kernels = ops.reshape(kernel, (math.prod(tile), parts, width * channels, filters))
    total = 0.0
    for part in range(parts):
        patches = ops.concatenate(views[part * width : (part + 1) * width], -1)
        product = ops.matmul(_group_by_kernel(patches, turns, tile), kernels[:, part])  # (kernels, positions, F)
        total = total + ops.cast(product, sum_dtype(x.dtype))
    return _cropped(ops.cast(total, x.dtype), x, turns, tile, output)


def _cropped(y, x, turns, tile, output):
    """Returns the products (kernels, positions, F) as (B, *output, F)."""
    y = _ungroup(y, ops.shape(x)[0], turns, tile)
    return y[(slice(None), *(slice(0, n) for n in output))]


def _group_by_kernel(x, turns, tile):
    """Returns x (B, *output, K) as (kernels, B * turns, K), grouped by kernel; the output is `turns` tiles large."""
    rank, shape = len(tile), ops.shape(x)
    split = [n for pair in zip(turns, tile) for n in pair]  # turns and tile alternating
    x = ops.reshape(x, (shape[0], *split, shape[-1]))
    x = ops.transpose(x, (*range(2, 2 * rank + 1, 2), 0, *range(1, 2 * rank, 2), 2 * rank + 1))
    return ops.reshape(x, (math.prod(tile), -1, shape[-1]))


def _ungroup(y, batch, turns, tile):
    """Returns y (kernels, B * turns, F) as (B, *output, F): the inverse of `_group_by_kernel`."""
    rank, filters = len(tile), y.shape[-1]
    y = ops.reshape(y, (*tile, batch, *turns, filters))
    order = [rank] + [axis for i in range(rank) for axis in (rank + 1 + i, i)] + [2 * rank + 1]
    y = ops.transpose(y, order)
    return ops.reshape(y, (batch, *(q * t for q, t in zip(turns, tile)), filters))

"""Tiled convolution: the kernels rotate with a period across space.

Between convolution (period 1) and a locally connected layer (period = output size) lies one family, and one
function computes it: views side by side on the channel axis, positions grouped by the kernel they meet, one
batched matrix product. At the local end no two positions meet the same kernel, and `local_conv` is faster.

Source: Gregor & LeCun 2010, arXiv:1006.0448; Le et al. 2010, "Tiled convolutional neural networks"; Goodfellow,
Bengio & Courville 2016, "Deep Learning", section 9.5, equation 9.10.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import tensors, wide
from kzoo.ops.conv import check_operands, conv
from kzoo.ops.local_conv import local_conv
from kzoo.ops.views import window
from kzoo.ops.xla import island


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
    return _rotated_conv(x, kernel, win=win)


@island
def _rotated_conv(x, kernel, *, win):
    rank = len(win.size)
    tile, (*_, channels, filters) = kernel.shape[:rank], kernel.shape
    output = win.output(ops.shape(x)[1:-1])
    turns = tuple(-(-n // t) for n, t in zip(output, tile))
    # whole turns only: zeros after the input make up the last one, and its surplus is cropped below
    rounded = tuple(q * t for q, t in zip(turns, tile))
    surplus = tuple((0, (r - n) * s) for r, n, s in zip(rounded, output, win.strides))
    padded = ops.pad(win.pad(x), ((0, 0), *surplus, (0, 0)))
    views = [view for _, view in win.views(padded, rounded)]

    # a product for each row of the kernel, summed: narrower patches stay in cache, 1.2-1.5 times faster than one
    parts = win.size[0]
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

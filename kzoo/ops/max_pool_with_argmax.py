"""Max pooling that also says where each maximum was.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks" (switches); Badrinarayanan, Kendall &
Cipolla 2017, arXiv:1511.00561 (SegNet's stored indices).
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import dtype_of, spatial_rank, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.xla import island

PADDED = -1  # the index of a cell that zeros padding made; no such cell ever wins


def max_pool_with_argmax(x, ksize, strides=None, padding="valid", dilations=1):
    """The largest value of each window, and its place.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns (values, indices), both (B, *output, C); values in
    x's dtype, indices int32. Strides default to ksize. Units: ksize, strides, padding, dilations in cells.
    Indices are flat within one unpadded sample: `(row * width + column) * C + channel`. Of equal values the first
    in row-major order wins; a NaN beats every number, and the last NaN of a window wins. Only the winner receives
    the gradient. "same", "full" and explicit padding add cells that never win; the other modes add copies, which
    point to the cell they were copied from.
    Errors: ValueError for a window that lies wholly in the padding, for a sample of more than 2^31 - 1 elements,
    and for arguments of the wrong kind, naming the argument, what is expected and what came.

    >>> values, indices = max_pool_with_argmax([[[1.0], [5.0], [7.0], [2.0]]], 2)
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([5., 7.], dtype=float32), array([1, 2], dtype=int32))
    """
    who = "max_pool_with_argmax"
    (x,) = tensors(who, "MaxPoolingWithArgmax{}D", x)
    spatial_rank(who, x.shape)
    check_maximum(who, x)
    check_sample(who, x.shape[1:])
    win = pool_window(who, x, ksize, strides, padding, dilations)
    return _max_pool_with_argmax(x, win=win)


def check_sample(who, shape):
    """Refuse a sample (*spatial, C) too large for int32; unknown sizes are not checked."""
    small = None in shape or math.prod(shape) < 2**31
    require(small, who, "a sample of less than 2^31 elements, to index by int32", shape=tuple(shape))


def check_maximum(who, x, indices=True):
    """Refuse what has no order, and a number of channels that is unknown where indices are asked for."""
    require("float" in dtype_of(x) or "int" in dtype_of(x), who, "floating or integer x", dtype=dtype_of(x))
    known = x.shape[-1] is not None or not indices
    require(known, who, "a known number of channels", shape=tuple(x.shape))


def source_indices(spatial):
    """Flat index of each cell of a sample without channels, (1, *spatial, 1) int32."""
    count = 1
    for n in spatial:
        count = count * n
    return ops.reshape(ops.arange(count, dtype="int32"), (1, *spatial, 1))


@island
def _max_pool_with_argmax(x, *, win):
    spatial, channels = ops.shape(x)[1:-1], x.shape[-1]
    output = win.output(spatial)
    cells = win.views(win.pad(x, lowest(x.dtype)), output)
    sources = win.views(win.pad(source_indices(spatial), PADDED), output)
    values = indices = None
    for (_, cell), (_, source) in zip(cells, sources):
        if values is None:
            values, indices = cell, ops.broadcast_to(source, ops.shape(cell))
            continue
        # a running `where` sends the gradient to the winner alone; cell != cell is true of NaN
        wins = (cell > values) | (cell != cell) | (indices == PADDED)  # noqa: PLR0124
        values, indices = ops.where(wins, cell, values), ops.where(wins, source, indices)
    return values, indices * channels + ops.arange(channels, dtype="int32")


def lowest(dtype):
    """What loses against every value of this dtype."""
    import keras
    import numpy as np

    name = keras.backend.standardize_dtype(dtype)
    return -float("inf") if "float" in name else int(np.iinfo(name).min)

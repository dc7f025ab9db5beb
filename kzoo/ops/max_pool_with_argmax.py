"""Max pooling that also says where each maximum was.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks" (switches); Badrinarayanan, Kendall &
Cipolla 2017, arXiv:1511.00561 (SegNet's stored indices).
"""

import math

import keras
from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import along, flat, source_indices, split, unpool, window_origins
from kzoo.ops.backend import dtype_of, spatial_rank, tensors, wide
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import maximum, winner
from kzoo.ops.xla import island


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


def _max_pool_with_argmax(x, *, win):
    if win.mode == "zeros":
        return _pool(x, win)
    # the padded sample is pooled as a sample of its own, whose cells a table leads to their sources
    values, places = _pool(_padded(x, win=win), win._replace(pads=((0, 0),) * len(win.size)))
    return values, _sources(x, places, win=win)


def _pool(x, win):
    """Values and places of a pool that knows no cells but x's."""

    @ops.custom_gradient  # around the island: within one TensorFlow would copy x
    def run(x):
        values, places = _maxima(x, win=win)
        size, sizes = split(ops.shape(x)[1:-1])

        def gradient(*upstream):  # JAX hands on one tuple, TensorFlow its entries
            return unpool(keras.tree.flatten(upstream)[0], places, *sizes, size=size, win=win)

        return (values, places), gradient

    return run(x)


@island
def _padded(x, *, win):
    return win.pad(x)


@island
def _sources(x, places, *, win):
    spatial, channels = ops.shape(x)[1:-1], x.shape[-1]
    table = ops.reshape(win.pad(source_indices(spatial)), (-1,))
    return ops.take(table, places // channels) * channels + ops.arange(channels, dtype="int32")


@island
def _maxima(x, *, win):
    size, channels = ops.shape(x)[1:-1], x.shape[-1]
    output, dtype = win.output(size), x.dtype
    x = ops.cast(x, wide(dtype))  # XLA would go from 16 bits to 32 and back at each comparison
    offsets, views = zip(*win.views(win.pad(x, lowest(x.dtype)), output))
    steps = [flat([o * d for o, d in zip(offset, win.dilations)], size) * channels for offset in offsets]
    steps[0] = _first_steps(win, size, output) * channels
    places = winner(zip(steps, views))
    places = places + (window_origins(win, size, output) * channels + ops.arange(channels, dtype="int32"))
    # XLA writes one tensor a loop, so that values cost a loop of their own, without the places
    return ops.cast(maximum(views), dtype), places


def _first_steps(win, size, output):
    """From each window's origin to its first cell of the sample, which wins where no cell beats the padding."""
    begins = zip(output, win.strides, win.dilations, win.pairs(size))
    steps = [ops.maximum(-((ops.arange(n, dtype="int32") * s - before) // d) * d, 0) for n, s, d, (before, _) in begins]
    return flat([along(step, axis, len(size)) for axis, step in enumerate(steps, 1)], size)


def lowest(dtype):
    """What loses against every value of this dtype."""
    import numpy as np

    name = keras.backend.standardize_dtype(dtype)
    return -float("inf") if "float" in name else int(np.iinfo(name).min)

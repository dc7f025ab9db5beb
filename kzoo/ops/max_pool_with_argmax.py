"""Max pooling that also returns the index of each maximum.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks" (switches); Badrinarayanan, Kendall & Cipolla
2017, arXiv:1511.00561 (SegNet's stored indices).
"""

import math

import keras
from keras import ops

from kzoo.checks import require
from kzoo.ops.argmax_indices import (
    NO_INDEX,
    position_indices,
    ravel_index,
    reshape_to_axis,
    split_size,
    unpool,
    window_origins,
)
from kzoo.ops.backend import check_ordered, spatial_rank, sum_dtype, tensors
from kzoo.ops.large_windows import fold
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import argmax, maximum_without_gradient, written_out
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def max_pool_with_argmax(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:
    """Returns the maximum of each window, and its index.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns (values, indices), both (B, *output, C); values in x's
    dtype, indices int32. Strides default to ksize. Indices are flat within one unpadded sample: `(row * width + column)
    * C + channel`. Of equal values the first in row-major order wins; NaN wins over numbers, and a window's last NaN
    over others. Only the winner receives the gradient. "same", "full" and explicit padding never win; the other modes
    pad with copies, whose index is that of the element copied.
    ceil_mode: whether windows also cover the elements that are left over after the last whole window, by PyTorch's
    rule: one more window on an axis, cut off at the end of the padded input, if it starts before the end of the input
    itself. What is cut off counts as zero padding. Not with the modes that pad with copies.
    ValueError for a window that lies wholly in the padding, and for a sample of more than 2^31 - 1 elements.

    >>> values, indices = max_pool_with_argmax([[[1.0], [5.0], [7.0], [2.0]]], 2)
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([5., 7.], dtype=float32), array([1, 2], dtype=int32))
    """
    who = "max_pool_with_argmax"
    (x,) = tensors(who, "MaxPoolingWithArgmax{}D", x)
    spatial_rank(who, x.shape)
    check_maximum(who, x)
    check_sample(who, x.shape[1:])
    win = pool_window(who, x, ksize, strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    return _max_pool_with_argmax(x, win=win)


def check_sample(who, shape):
    """Raises a ValueError if a sample (*spatial, C) is too large for int32 indices. Unknown sizes are not checked."""
    small = None in shape or math.prod(shape) < 2**31
    require(small, who, "a sample of less than 2^31 elements, to index by int32", shape=tuple(shape))


def check_maximum(who, x, indices=True):
    """Raises a ValueError unless x is floating or integer; with `indices` also if the number of channels is unknown."""
    check_ordered(who, x)
    known = x.shape[-1] is not None or not indices
    require(known, who, "a known number of channels", shape=tuple(x.shape))


def _max_pool_with_argmax(x, *, win):
    if win.mode == "zeros":
        return _pool(x, win)
    # the padded sample is pooled as a sample of its own; a table maps its indices to those of the elements copied
    values, indices = _pool(_pad(x, win=win), win._replace(pads=((0, 0),) * len(win.size)))
    return values, _source_indices(x, indices, win=win)


def _pool(x, win):
    """Returns maxima and argmax indices, with the gradient; for padding that never wins."""

    @ops.custom_gradient  # outside the island: inside one, TensorFlow would copy x
    def run(x):
        values, indices = _maxima(x, win=win)
        size, sizes = split_size(ops.shape(x)[1:-1])

        def gradient(*upstream):  # JAX passes one tuple, TensorFlow its entries
            return unpool(keras.tree.flatten(upstream)[0], indices, *sizes, size=size, win=win)

        return (values, indices), gradient

    return run(x)


@island
def _pad(x, *, win):
    return win.pad(x)


@island
def _source_indices(x, indices, *, win):
    spatial, channels = ops.shape(x)[1:-1], x.shape[-1]
    table = ops.reshape(win.pad(position_indices(spatial)), (-1,))
    return ops.take(table, indices // channels) * channels + ops.arange(channels, dtype="int32")


@island
def _maxima(x, *, win):
    size, channels = ops.shape(x)[1:-1], x.shape[-1]
    output, dtype = win.output(size), x.dtype
    x = ops.cast(x, sum_dtype(dtype))  # XLA would convert 16 bits to 32 and back at each comparison
    if not written_out(*win.size):
        values, positions = fold(_largest, (win.pad(x, lowest(x.dtype)), _padded_positions(win, size)), win, output)
        return ops.cast(values, dtype), positions * channels + ops.arange(channels, dtype="int32")
    offsets, views = zip(*win.views(win.pad(x, lowest(x.dtype)), output))
    steps = [ravel_index([o * d for o, d in zip(offset, win.dilations)], size) * channels for offset in offsets]
    steps[0] = _first_steps(win, size, output) * channels
    indices = argmax(zip(steps, views))
    indices = indices + (window_origins(win, size, output) * channels + ops.arange(channels, dtype="int32"))
    # XLA writes one tensor in each loop, so the values are computed in a loop of their own, without the indices
    return ops.cast(maximum_without_gradient(views), dtype), indices


def _padded_positions(win, size):
    """Returns the flat index of each position of a padded sample without channels; NO_INDEX in the padding."""
    return win.pad(position_indices(size), NO_INDEX)


def _largest(pairs):
    """Returns the pair (value, position) of the largest value: the first of equals, the last NaN, never the padding."""
    top, best = pairs[0]
    for value, position in pairs[1:]:
        wins = (value > top) | ops.not_equal(value, value) | ops.equal(best, NO_INDEX)
        top, best = ops.where(wins, value, top), ops.where(wins, position, best)
    return top, best


def _first_steps(win, size, output):
    """Returns the step from each window's origin to its first element inside the sample.

    That element wins where no element of the window exceeds the value of the padding.
    """
    begins = zip(output, win.strides, win.dilations, win.pairs(size))
    steps = [ops.maximum(-((ops.arange(n, dtype="int32") * s - before) // d) * d, 0) for n, s, d, (before, _) in begins]
    return ravel_index([reshape_to_axis(step, axis, len(size)) for axis, step in enumerate(steps, 1)], size)


def lowest(dtype):
    """Returns the lowest value of this dtype, for padding that never exceeds an element."""
    import numpy as np

    name = keras.backend.standardize_dtype(dtype)
    return -float("inf") if "float" in name else int(np.iinfo(name).min)

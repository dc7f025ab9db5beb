"""Reductions over windows of more than `views.MOST_TAPS` taps, in programs whose size hardly grows with the window.

Associative reductions combine neighbouring windows of 1, 8, 64, ... taps (`fold`). Others visit one tap after the other
in a loop op (`loop_over_taps`), or gather all of them.
"""

import math

import keras
import numpy as np
from keras import ops

from kzoo.ops.argmax_indices import elements_at, ravel_index, window_origins

__all__ = ()  # for other ops only

BASE = 8  # windows combined in one step


def fold(combine, padded, win, output):
    """Returns the combination of each window's elements, in row-major order, with a few dozen views on each axis.

    padded: (B, *spatial, C), or a structure of such tensors; combine(parts) returns one like them, and combining
    combinations must be the same as combining all of their elements.
    """
    for axis in range(len(win.size), 0, -1):
        size, stride, dilation = (part[axis - 1] for part in (win.size, win.strides, win.dilations))
        padded = fold_axis(combine, padded, axis, size, output[axis - 1], stride, dilation)
    return padded


def fold_axis(combine, x, axis, size, output, stride=1, dilation=1):
    """Returns the combination of the elements of each of `output` windows along an axis.

    Neighbouring windows of 1, 8, 64, ... taps are combined to larger ones; of each kind a window takes as many as the
    digit of `size` in base 8 says.
    """

    def view(begin, count, step=1):
        index = (slice(None),) * axis + (slice(begin, begin + (count - 1) * step + 1, step),)
        return keras.tree.map_structure(lambda tensor: tensor[index], x)

    views, begin, width = [], 0, dilation
    length = ops.shape(keras.tree.flatten(x)[0])[axis]
    while True:
        for _ in range(size % BASE):
            views.append(view(begin, output, stride))
            begin += width
        size //= BASE
        if not size:
            return combine(views)
        length = length - (BASE - 1) * width
        x = combine([view(i * width, length) for i in range(BASE)])
        width *= BASE


def loop_over_taps(step, padded, win, state):
    """Returns the state after `step(state, tap, view)` for each tap in row-major order; it has no gradient."""
    spans = [(k - 1) * d for k, d in zip(win.size, win.dilations)]
    batch, *spatial, channels = ops.shape(ops.stop_gradient(padded))
    lengths = [batch, *(n - span for n, span in zip(spatial, spans)), channels]

    def body(tap, state):
        begin = [o * d for o, d in zip(_unravel(tap, win.size), win.dilations)]
        view = ops.slice(padded, [0, *begin, 0], lengths)
        return step(state, tap, view[(slice(None), *(slice(None, None, s) for s in win.strides))])

    return keras.tree.map_structure(ops.stop_gradient, ops.fori_loop(0, math.prod(win.size), body, state))


def take_taps(padded, taps, win):
    """Returns each window's element at a tap of its own: padded (B, *spatial, C) and taps (B, *output, C) int32."""
    spatial, channels = ops.shape(padded)[1:-1], ops.shape(padded)[-1]
    inside = win._replace(pads=((0, 0),) * len(win.size), mode="zeros")
    steps = ravel_index([o * d for o, d in zip(_unravel(taps, win.size), win.dilations)], spatial)
    index = (window_origins(inside, spatial, ops.shape(taps)[1:-1]) + steps) * channels
    index = index + ops.arange(channels, dtype="int32")
    return elements_at(padded, ops.broadcast_to(index, ops.shape(taps)))


def gather_patches(padded, win, output):
    """Returns the elements of each window side by side, by a gather on each axis: (B, *output, *size, C)."""
    rank = len(win.size)
    for axis in range(rank, 0, -1):
        size, stride, dilation = (part[axis - 1] for part in (win.size, win.strides, win.dilations))
        padded = ops.take(padded, tap_positions(output[axis - 1], size, stride, dilation), axis)
    return windows_first(padded)


def windows_first(x):
    """Returns (B, windows, taps, windows, taps, ..., C), a pair for each spatial axis, as (B, *windows, *taps, C)."""
    last = len(x.shape) - 1
    return ops.transpose(x, (0, *range(1, last, 2), *range(2, last, 2), last))


def tap_positions(output, size, stride, dilation):
    """Returns the position of each tap of each window on an axis: (output, size) int32, a constant if output is one."""
    windows = (np if isinstance(output, int) else ops).arange(output, dtype="int32")
    return windows[:, None] * stride + np.arange(size, dtype="int32") * dilation


def _unravel(tap, size):
    """Returns the offset on each axis of a tap that is numbered in row-major order."""
    offsets = []
    for k in reversed(size):
        offsets.insert(0, tap % k)
        tap = tap // k
    return offsets

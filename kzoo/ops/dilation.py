"""Greyscale dilation: the maximum over each window of the input plus a structuring kernel.

The definition is that of `tf.nn.dilation2d`, which XLA does not compile.

Source: Serra 1982, "Image analysis and mathematical morphology".
"""

import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, spatial_rank, sum_dtype, tensors
from kzoo.ops.large_windows import loop_over_taps, take_taps
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import INFINITY, maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def dilation(x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1) -> Tensor:
    """Returns the max over offsets o of x[p * stride + o * dilation] + kernel[o], for each channel.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C), in 1 to 3 spatial axes; returns (B, *output, C) in x's
    dtype. With a kernel of zeros this is max pooling. padding: as `conv`; zero padding is left out of the maximum. Of
    equal sums the first offset receives the gradient; NaN wins.

    >>> dilation([[[0.0], [2.0], [0.0]]], [[0.0], [0.0], [-1.0]], padding="same")[0, :, 0].numpy()
    array([1., 2., 2.], dtype=float32)
    """
    x, kernel, win = morphology_operands("dilation", "Dilation2D", x, kernel, strides, padding, dilations)
    return largest_sum(x, kernel, win=win)


def morphology_operands(who, layer, x, kernel, strides, padding, dilations):
    """Returns the operands of a morphological op as tensors, and its window, all checked."""
    x, kernel = tensors(who, layer, x, kernel)
    rank = spatial_rank(who, x.shape)
    check_floating(who, x)
    fits = len(kernel.shape) == rank + 1 and kernel.shape[-1] == x.shape[-1]
    require(fits, who, "kernel (*size, channels)", x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x and kernel", x=x, kernel=kernel)
    win = pool_window(who, x, tuple(kernel.shape[:-1]), strides, padding, dilations)
    return after_checks(x), kernel, win


@island
def largest_sum(x, kernel, *, win):
    """Returns the maximum over each window of the input plus the kernel."""
    dtype = x.dtype
    x, kernel = (ops.cast(part, sum_dtype(dtype)) for part in (x, kernel))  # the kernel's gradient is a long sum
    padded, output = win.pad(x, -INFINITY), win.output(ops.shape(x)[1:-1])
    if written_out(*win.size):
        return ops.cast(maximum(view + kernel[offset] for offset, view in win.views(padded, output)), dtype)
    rows, channels = ops.reshape(kernel, (-1, kernel.shape[-1])), np.arange(kernel.shape[-1])

    def step(state, tap, view):
        best, top = state
        total = view + ops.take(rows, tap, 0)
        wins = (total > top) | ops.not_equal(total, total)  # the latter for NaN
        return ops.where(wins, tap, best), ops.where(wins, total, top)

    shape = (ops.shape(x)[0], *output, len(channels))
    start = ops.zeros(shape, "int32"), ops.full(shape, -INFINITY, x.dtype)
    taps, _ = loop_over_taps(step, padded, win, start)
    weights = ops.take(ops.reshape(kernel, (-1,)), taps * len(channels) + channels)
    return ops.cast(take_taps(padded, taps, win) + weights, dtype)

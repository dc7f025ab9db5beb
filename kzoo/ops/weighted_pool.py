"""Weighted average pooling, with weights that are the outer product of one vector for each axis.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3 (the weighted average as a pooling function).
"""

import functools
import math
import operator
from collections.abc import Sequence

import numpy as np
from keras import ops

from kzoo.checks import require
from kzoo.ops import safe_math
from kzoo.ops.backend import ceil_div, check_floating, convolve, spatial_rank, sum_dtype, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import axis_views, offset_slice, written_out
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def weighted_pool(
    x: Tensor,
    weights: Sequence[Sequence[float]],
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns the weighted mean of each window.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype, summed in float32
    or wider. weights: one vector for each axis, without negative entries; an element's weight is the product of its
    axes' entries. Their lengths are the window's size; strides default to it. Zero padding is left out: at the borders
    the weights of the other elements are rescaled to sum to 1. ceil_mode: as `max_pool_with_argmax`.
    ValueError for a window that lies wholly in the padding.

    >>> weighted_pool([[[1.0], [2.0], [6.0]]], [[1, 2, 1]], strides=1, padding="same")[0, :, 0].numpy().round(3)
    array([1.333, 2.75 , 4.667], dtype=float32)
    """
    (x,) = tensors("weighted_pool", "GaussianPooling{}D", x)
    return mean_of_windows("weighted_pool", x, weights, strides, padding, dilations, ceil_mode)


def mean_of_windows(who, x, weights, strides, padding, dilations, ceil_mode):
    """Returns `weighted_pool` for an op that has its own weights; error messages name that op."""
    check_floating(who, x)
    weights = as_weights(who, weights, spatial_rank(who, x.shape))
    win = pool_window(who, x, tuple(map(len, weights)), strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    return _weighted_pool(x, weights=weights, win=win)


def as_weights(who, weights, rank):
    """Returns one vector for each axis, as tuples of numbers."""
    try:
        axes = [np.asarray(vector, "float64") for vector in weights]
    except (TypeError, ValueError):
        axes = []
    good = len(axes) == rank and all(a.ndim == 1 and (a >= 0).all() and 0 < a.sum() < np.inf for a in axes)
    require(good, who, f"weights, {rank} vectors of numbers of at least 0, not all 0", weights=weights)
    return tuple(tuple(vector.tolist()) for vector in axes)


@island
def _weighted_pool(x, *, weights, win):
    return ops.cast(window_means(ops.cast(x, sum_dtype(x.dtype)), weights, win), x.dtype)


def window_means(x, weights, win):
    """Returns each window's weighted mean over its elements inside the sample."""
    if not win.reaches_zeros:
        return weighted_sum(win.pad(x), weights, win) / math.prod(map(sum, weights))
    ones = ops.ones((1, *ops.shape(x)[1:-1], 1), x.dtype)
    return safe_math.divide(weighted_sum(win.pad(x), weights, win), weighted_sum(win.pad(ones), weights, win))


def weighted_sum(padded, weights, win):
    """Returns each window's weighted sum, computed axis by axis: 2 k terms instead of k * k."""
    y = padded
    for axis, (vector, stride, dilation) in enumerate(zip(weights, win.strides, win.dilations), start=1):
        if written_out(len(vector)):
            views = axis_views(y, axis, len(vector), stride, dilation)
            y = sum(view * weight for view, weight in zip(views, vector))
        else:
            y = _convolve_axis(y, vector, axis, stride, dilation)
    return y


def _convolve_axis(x, vector, axis, stride, dilation):
    """Returns the weighted sums of windows along one axis, by the backend's convolution of a map of one channel."""
    shape = ops.shape(x)
    length, kernel = shape[axis], ops.convert_to_tensor(np.reshape(vector, (-1, 1, 1, 1)), x.dtype)
    rows, output = ceil_div(length, dilation), (length - (len(vector) - 1) * dilation - 1) // stride + 1
    # positions that are `dilation` apart as rows of the map, as not every convolution has dilations
    x = ops.pad(x, [(0, rows * dilation - length) if i == axis else (0, 0) for i in range(len(shape))])
    y = ops.reshape(x, (_product(shape[:axis]), rows, dilation * _product(shape[axis + 1 :]), 1))
    y = convolve(y, kernel, (1, 1), "VALID", (1, 1))
    y = ops.reshape(y, (*shape[:axis], (rows - len(vector) + 1) * dilation, *shape[axis + 1 :]))
    return y[(slice(None),) * axis + (offset_slice(0, output, stride),)]


def _product(sizes):
    return functools.reduce(operator.mul, sizes, 1)

"""Average pooling: the sum of each window, divided by the number of its elements or by a given number.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3; the references of PyTorch's AvgPool2d and of
Caffe's pooling layer for what they divide by.
"""

import functools
import math
import operator

import numpy as np
from keras import ops

from kzoo.checks import as_bool, is_number, require
from kzoo.ops.argmax_indices import reshape_to_axis
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.large_windows import tap_positions
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.weighted_pool import weighted_sum
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def average_pool(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    count_include_pad: bool = False,
    divisor: float | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns the mean of each window.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype, summed in float32
    or wider. Strides default to ksize. padding: as `conv`.
    count_include_pad: whether zero padding counts as elements of a window. PyTorch's default is True; TensorFlow's and
    Keras's average pools leave it out, as here by default. What ceil_mode adds never counts.
    divisor: a number to divide every sum by instead; PyTorch's divisor_override. ceil_mode: as `max_pool_with_argmax`.
    Caffe's average pool is that with ceil_mode and count_include_pad, except that without padding Caffe also keeps a
    last window that starts beyond the input, where strides exceed ksize. ValueError for a window that lies wholly in
    the padding.

    >>> average_pool([[[1.0], [2.0], [6.0]]], 2, ceil_mode=True)[0, :, 0].numpy()
    array([1.5, 6. ], dtype=float32)
    >>> average_pool([[[1.0], [2.0], [6.0]]], 2, padding=1, count_include_pad=True)[0, :, 0].numpy()
    array([0.5, 4. ], dtype=float32)
    """
    who = "average_pool"
    (x,) = tensors(who, "AveragePooling{}D", x)
    check_floating(who, x)
    win = pool_window(who, x, ksize, strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    return _average_pool(x, win=win, **as_divisor(who, count_include_pad, divisor))


def as_divisor(who, count_include_pad, divisor):
    """Returns the checked count_include_pad and divisor as keyword arguments."""
    counted = as_bool(who, count_include_pad=count_include_pad)
    good = divisor is None or (is_number(divisor) and 0 < divisor < math.inf)
    require(good, who, "divisor, a number above 0 or None", divisor=divisor)
    return {"count_include_pad": counted, "divisor": None if divisor is None else float(divisor)}


@island
def _average_pool(x, *, win, count_include_pad, divisor):
    padded = win.pad(ops.cast(x, sum_dtype(x.dtype)))
    total = weighted_sum(padded, [(1.0,) * k for k in win.size], win)
    if divisor is None:
        divisor = ops.cast(_counts(win, ops.shape(x)[1:-1], count_include_pad), total.dtype)
    return ops.cast(total / divisor, x.dtype)


def _counts(win, spatial, count_include_pad):
    """Returns how many elements each window counts: one number, or for each window, (1, *output, 1)."""
    if not win.reaches_zeros or (count_include_pad and not win.ceil_mode):
        return math.prod(win.size)
    vectors, declared = [], win._replace(ceil_mode=False).pairs(spatial)
    for n, count, k, s, d, (before, after) in zip(spatial, win.output(spatial), *win[:3], declared):
        positions = tap_positions(count, k, s, d) - before
        first, end = (-before, n + after) if count_include_pad else (0, n)
        inside = (positions >= first) & (positions < end)
        vectors.append(np.sum(inside, 1) if isinstance(n, int) else ops.sum(ops.cast(inside, "int32"), 1))
    axes = (reshape_to_axis(vector, axis, len(spatial)) for axis, vector in enumerate(vectors, start=1))
    return functools.reduce(operator.mul, axes)

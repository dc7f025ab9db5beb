"""Pooling over all rectangles of a grid: an overcomplete set of regions, from which a layer learns a selection.

Source: Jia, Huang & Darrell 2012, "Beyond spatial pyramids: receptive field learning for pooled image features";
Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3.
"""

import itertools

import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops import safe_math
from kzoo.ops.adaptive_average_pool import adaptive_average_pool
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.ops.views import check_positions, maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Tensor

__all__ = ["rectangle_pool", "rectangles"]

POOLINGS = ("max", "average", "rms")


def rectangle_pool(x: Tensor, grid: int = 4, pooling: str = "max") -> Tensor:
    """Returns the maximum, mean or root mean square over each rectangle of bins of a grid.

    Shapes: x (B, H, W, C) floating; returns (B, rectangles, C) in x's dtype, (grid * (grid + 1) / 2)^2 of them in the
    order of `rectangles(grid)`. The grid's bins are those of `adaptive_max_pool`; a mean is the mean of the bins'
    means. Of equal values only one receives the gradient of a maximum.

    >>> rectangle_pool([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2).numpy().ravel()
    array([1., 2., 2., 3., 4., 4., 3., 4., 4.], dtype=float32)
    """
    who = "rectangle_pool"
    (x,) = tensors(who, "ReceptiveFieldPooling2D", x)
    require(len(x.shape) == 4, who, "x (batch, height, width, channels)", shape=tuple(x.shape))
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    check_floating(who, x)
    check_grid(who, grid, pooling)
    require_pixels(who, shape_of(x))
    x = after_checks(x)
    return _rectangle_pool(x, grid=int(grid), pooling=pooling)


def check_grid(who, grid, pooling):
    """Raises a ValueError unless grid is an integer above 0 and pooling one of POOLINGS."""
    require(is_integer(grid, least=1), who, "grid, an integer above 0", grid=grid)
    check_positions(who, "rectangles", [(int(grid) * (int(grid) + 1) // 2) ** 2], grid=grid)
    require(pooling in POOLINGS, who, f"pooling, one of {POOLINGS}", pooling=pooling)


def rectangles(grid: int) -> list[tuple[int, int, int, int]]:
    """Returns all rectangles of bins: (first row, last row, first column, last column).

    >>> len(rectangles(4)), rectangles(2)[:3]
    (100, [(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 1)])
    """
    intervals = [(first, last) for first in range(grid) for last in range(first, grid)]
    return [(*rows, *columns) for rows, columns in itertools.product(intervals, intervals)]


@island
def _rectangle_pool(x, *, grid, pooling):
    y = ops.cast(x, sum_dtype(x.dtype))
    if pooling == "max":
        y = adaptive_max_pool(y, grid)
    else:
        y = adaptive_average_pool(y * y if pooling == "rms" else y, grid)
    for axis in (1, 2):  # intervals of rows, then of columns: (B, intervals, intervals, C)
        y = ops.moveaxis(y, axis, 0)
        y = ops.moveaxis(
            (_intervals if written_out(grid * (grid + 1) // 2) else _intervals_by_length)(y, pooling), 0, axis
        )
    y = ops.reshape(y, (-1, y.shape[1] * y.shape[2], x.shape[-1]))
    return ops.cast(safe_math.root(y) if pooling == "rms" else y, x.dtype)


def _intervals(y, pooling):
    """Returns the maximum or mean of each interval of bins: (grid, ...) to (intervals, ...)."""
    intervals = []
    for first in range(y.shape[0]):
        total = None
        for last in range(first, y.shape[0]):
            if pooling == "max":
                total = y[last] if total is None else maximum([total, y[last]])
                intervals.append(total)
            else:
                total = y[last] if total is None else total + y[last]
                intervals.append(total / (last - first + 1))
    return ops.stack(intervals)


def _intervals_by_length(y, pooling):
    """Returns `_intervals`, with all intervals of one length at a time."""
    grid, total, lengths = y.shape[0], y, [y]
    for length in range(2, grid + 1):
        total, last = total[:-1], y[length - 1 :]
        total = maximum([total, last]) if pooling == "max" else total + last
        lengths.append(total if pooling == "max" else total / length)
    # interval (first, last) is entry `first` of those of its length
    before = np.cumsum([0, *range(grid, 0, -1)])
    order = [before[last - first] + first for first in range(grid) for last in range(first, grid)]
    return ops.take(ops.concatenate(lengths), np.array(order, "int32"), 0)

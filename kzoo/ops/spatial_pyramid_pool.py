"""Spatial pyramid pooling: pooling to several grids, for an output length independent of the input's size.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.
"""

import math
from collections.abc import Sequence

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.adaptive_average_pool import adaptive_average_pool, bins_of
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.backend import check_floating, spatial_rank, tensors
from kzoo.ops.max_pool_with_argmax import check_maximum
from kzoo.ops.sizes import after_checks, shape_of
from kzoo.ops.xla import island
from kzoo.types import Tensor

POOLINGS = ("max", "average")


def spatial_pyramid_pool(x: Tensor, bins: Sequence[int | Sequence[int]] = (6, 3, 2, 1), pooling: str = "max") -> Tensor:
    """Returns the maximum or mean of each bin of several grids, flattened.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns (B, C * number of bins) in x's dtype: level after
    level, bins in row-major order, channels last. Bins are those of `adaptive_max_pool`.
    bins: for each level the number of bins along every axis, or one number for each axis. pooling: "max" or "average".

    >>> spatial_pyramid_pool([[[1.0], [5.0], [2.0], [3.0]]], (2, 1)).numpy()
    array([[5., 3., 5.]], dtype=float32)
    """
    who = "spatial_pyramid_pool"
    (x,) = tensors(who, "SpatialPyramidPooling2D", x)
    bins = as_grids(who, bins, spatial_rank(who, x.shape), pooling)
    bins_of(who, shape_of(x), bins[0])
    x = after_checks(x)
    if pooling == "average":
        check_floating(who, x)
    else:
        check_maximum(who, x)
    return _spatial_pyramid_pool(x, bins=bins, pooling=pooling)


@island
def _spatial_pyramid_pool(x, *, bins, pooling):
    pool, channels = adaptive_max_pool if pooling == "max" else adaptive_average_pool, x.shape[-1]
    levels = [ops.reshape(pool(x, grid), (-1, math.prod(grid) * channels)) for grid in bins]
    return ops.concatenate(levels, -1)


def as_grids(who, bins, rank, pooling):
    """Returns a pyramid's bins as a tuple with one grid, a tuple of `rank` integers, for each level."""
    require(pooling in POOLINGS, who, f"pooling, one of {POOLINGS}", pooling=pooling)
    good = isinstance(bins, (tuple, list)) and len(bins) > 0
    grids = [(grid,) * rank if is_integer(grid) else grid for grid in bins] if good else []
    good = good and all(isinstance(grid, (tuple, list)) and len(grid) == rank for grid in grids)
    good = good and all(is_integer(n, least=1) for grid in grids for n in grid)
    require(good, who, f"bins, a sequence of integers above 0 or of {rank} of them", bins=bins)
    return tuple(tuple(map(int, grid)) for grid in grids)

"""Spatial pyramid pooling: max pooling to several grids, for an output length independent of the input's size.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.
"""

from collections.abc import Sequence

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.adaptive_average_pool import bins_of
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.backend import tensors
from kzoo.ops.max_pool_with_argmax import check_maximum
from kzoo.ops.sizes import after_checks, shape_of
from kzoo.ops.xla import island
from kzoo.types import Tensor


def spatial_pyramid_pool(x: Tensor, bins: Sequence[int] = (6, 3, 2, 1)) -> Tensor:
    """Returns the maximum of each bin of several grids, flattened; `bins` has each grid's number of bins on an axis.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns (B, C * sum of bins^rank) in x's dtype: level after
    level, bins in row-major order, channels last. Bins are those of `adaptive_max_pool`.

    >>> spatial_pyramid_pool([[[1.0], [5.0], [2.0], [3.0]]], (2, 1)).numpy()
    array([[5., 3., 5.]], dtype=float32)
    """
    who = "spatial_pyramid_pool"
    (x,) = tensors(who, "SpatialPyramidPooling2D", x)
    bins = as_levels(who, bins)
    bins_of(who, shape_of(x), bins[0])
    x = after_checks(x)
    check_maximum(who, x)
    return _spatial_pyramid_pool(x, bins=bins)


@island
def _spatial_pyramid_pool(x, *, bins):
    rank, channels = len(x.shape) - 2, x.shape[-1]
    levels = [ops.reshape(adaptive_max_pool(x, n), (-1, n**rank * channels)) for n in bins]
    return ops.concatenate(levels, -1)


def as_levels(who, bins):
    """Returns a sequence of integers above 0 as a tuple."""
    good = isinstance(bins, (tuple, list)) and len(bins) > 0 and all(is_integer(n, least=1) for n in bins)
    require(good, who, "bins, a sequence of integers above 0", bins=bins)
    return tuple(map(int, bins))

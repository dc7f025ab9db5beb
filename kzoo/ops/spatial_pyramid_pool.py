"""Spatial pyramid pooling: max pooling to several grids, side by side, so that any size gives the same length.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks", arXiv:1406.4729.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.adaptive_average_pool import bins_of
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.backend import tensors
from kzoo.ops.max_pool_with_argmax import check_maximum
from kzoo.ops.xla import island


def spatial_pyramid_pool(x, bins=(6, 3, 2, 1)):
    """The largest value of each bin of grids with `bins` cells an axis, flattened.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns (B, C * sum of bins^rank) in x's dtype: level after
    level, in each row after row, the channels of a bin together. Bins are those of `adaptive_max_pool`.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> spatial_pyramid_pool([[[1.0], [5.0], [2.0], [3.0]]], (2, 1)).numpy()
    array([[5., 3., 5.]], dtype=float32)
    """
    who = "spatial_pyramid_pool"
    (x,) = tensors(who, "SpatialPyramidPooling2D", x)
    bins = as_levels(who, bins)
    bins_of(who, x.shape, bins[0])
    check_maximum(who, x)
    return _spatial_pyramid_pool(x, bins=bins)


@island
def _spatial_pyramid_pool(x, *, bins):
    rank, channels = len(x.shape) - 2, x.shape[-1]
    levels = [ops.reshape(adaptive_max_pool(x, n), (-1, n**rank * channels)) for n in bins]
    return ops.concatenate(levels, -1)


def as_levels(who, bins):
    """A sequence of integers above 0 as a tuple of them."""
    good = isinstance(bins, (tuple, list)) and len(bins) > 0 and all(is_integer(n, least=1) for n in bins)
    require(good, who, "bins, a sequence of integers above 0", bins=bins)
    return tuple(map(int, bins))

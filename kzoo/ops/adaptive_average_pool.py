"""Adaptive average pooling: average pooling to a given output size, whatever the input's size.

Bin i of n over s elements begins at floor(i * s / n) and ends before ceil((i + 1) * s / n). Bin sizes differ by at most
1, and bins overlap where n does not divide s.

Source: He, Zhang, Ren & Sun 2014, arXiv:1406.4729, for pooling to a fixed size; the rule is that of PyTorch's
AdaptiveAvgPool.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import ceil_div, check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, require_pixels, shape_of
from kzoo.ops.views import check_positions, written_out
from kzoo.ops.xla import island
from kzoo.types import Size, Tensor


def adaptive_average_pool(x: Tensor, output_size: Size | Sequence[int | None] | None) -> Tensor:
    """Returns the mean of each bin.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output_size, C) in x's dtype, summed in
    float32 or wider. output_size: an integer, or one for each axis; None keeps the axis as it is.

    >>> adaptive_average_pool([[[1.0], [2.0], [6.0]]], 2)[0, :, 0].numpy()
    array([1.5, 4. ], dtype=float32)
    """
    (x,) = tensors("adaptive_average_pool", "AdaptiveAveragePooling{}D", x)
    check_floating("adaptive_average_pool", x)
    sizes = bins_of("adaptive_average_pool", shape_of(x), output_size)
    return _adaptive_average_pool(after_checks(x), sizes=sizes)


@island
def _adaptive_average_pool(x, *, sizes):
    y = ops.cast(x, sum_dtype(x.dtype))
    for axis, count in enumerate(sizes, start=1):  # the mean of a box is the mean of the means of its rows
        if count is not None:
            y = _bin_means(y, axis, count)
    return ops.cast(y, x.dtype)


def _bin_means(x, axis, count):
    if bins_written_out(x.shape[axis], count):
        return ops.stack([ops.mean(part, axis) for part in split_into_bins(x, axis, count)], axis)
    parts, inside = gather_bins(x, axis, count)
    if inside is True:
        return ops.mean(parts, axis + 1)
    return ops.sum(ops.where(inside, parts, 0), axis + 1) / ops.sum(ops.cast(inside, x.dtype), axis + 1)


def bins_of(who, shape, output_size):
    """Returns output_size, checked against x's shape, as a tuple with an integer or None for each axis."""
    rank = spatial_rank(who, shape)
    require_pixels(who, shape)
    sizes = as_bins(who, output_size, rank)
    check_positions(who, "bins", sizes, output_size=output_size)
    return sizes


def as_bins(who, output_size, rank):
    """Returns output_size (an integer or None, or one of these for each axis) as a tuple."""
    sizes = (output_size,) * rank if output_size is None or is_integer(output_size) else output_size
    good = isinstance(sizes, (tuple, list)) and len(sizes) == rank
    good = good and all(n is None or is_integer(n, least=1) for n in sizes)
    require(good, who, f"output_size, an integer above 0 or None, or {rank} of these", output_size=output_size)
    return tuple(n if n is None else int(n) for n in sizes)


def bins_written_out(size, count):
    """Returns whether bins are sliced one by one: at most 8, and not of one size, as a reshape makes these.

    A size of None is not known.
    """
    return written_out(8 * count) and (size is None or size % count != 0)


def gather_bins(x, axis, count):
    """Returns the `count` bins of x along an axis as two axes (bin, element), and a mask of the bins' elements.

    A bin shorter than the longest is filled up with its last element; the mask is True if there is none.
    """
    size, number = ops.shape(x)[axis], np.arange(count)
    if isinstance(size, int) and size % count == 0:  # no copy
        return ops.reshape(x, (*ops.shape(x)[:axis], count, size // count, *ops.shape(x)[axis + 1 :])), True
    numpy_or_ops = np if isinstance(size, int) else ops
    size = size if isinstance(size, int) else ops.cast(size, "int64")
    starts, stops = number * size // count, ceil_div((number + 1) * size, count)
    elements = starts[:, None] + numpy_or_ops.arange(ceil_div(size, count) + 1)
    index = numpy_or_ops.minimum(elements, stops[:, None] - 1)
    inside = ops.reshape(elements < stops[:, None], [*[1] * axis, *ops.shape(index), *[1] * (len(x.shape) - 1 - axis)])
    return ops.take(x, index.astype("int32") if numpy_or_ops is np else ops.cast(index, "int32"), axis), inside


def split_into_bins(x, axis, count):
    """Returns the `count` bins of x along an axis, as slices."""
    size = ops.shape(x)[axis]
    edges = [(i * size // count, ceil_div((i + 1) * size, count)) for i in range(count)]
    return [x[(slice(None),) * axis + (slice(start, stop),)] for start, stop in edges]

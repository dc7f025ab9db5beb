"""Adaptive max pooling: max pooling to a given output size, optionally with the argmax indices.

The bins are those of `kzoo.ops.adaptive_average_pool`.

Source: He, Zhang, Ren & Sun 2014, arXiv:1406.4729, for pooling to a fixed size; the rule is that of PyTorch's
AdaptiveMaxPool.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kzoo.checks import as_bool
from kzoo.ops.adaptive_average_pool import bins_of, bins_written_out, gather_bins, split_into_bins
from kzoo.ops.argmax_indices import int32_range, reshape_to_axis, unpool_covered
from kzoo.ops.backend import sum_dtype, tensors
from kzoo.ops.max_pool_with_argmax import check_maximum, check_sample, lowest
from kzoo.ops.sizes import after_checks, shape_of
from kzoo.ops.views import argmax, maximum_without_gradient, written_out
from kzoo.ops.xla import island
from kzoo.types import Size, Tensor


def adaptive_max_pool(
    x: Tensor, output_size: Size | Sequence[int | None] | None, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Returns the maximum of each bin, and with `return_indices` a pair of maxima and their argmax indices.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns values (B, *output_size, C) in x's dtype, and indices of
    that shape, int32, flat within one sample as in `max_pool_with_argmax`. output_size: an integer, or one for each
    axis; None keeps the axis as it is. Of equal values the first wins; NaN wins over numbers, and the last NaN over
    others. Only the winner receives the gradient.

    >>> values, indices = adaptive_max_pool([[[1.0], [9.0], [6.0]]], 2, return_indices=True)
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([9., 9.], dtype=float32), array([1, 1], dtype=int32))
    """
    (x,) = tensors("adaptive_max_pool", "AdaptiveMaxPooling{}D", x)
    sizes = bins_of("adaptive_max_pool", shape_of(x), output_size)
    x = after_checks(x)
    return_indices = as_bool("adaptive_max_pool", return_indices=return_indices)
    check_maximum("adaptive_max_pool", x, return_indices)
    check_sample("adaptive_max_pool", x.shape[1:])
    return _adaptive_max_pool(x, sizes=sizes, return_indices=return_indices)


def _adaptive_max_pool(x, *, sizes, return_indices):
    if None in x.shape[1:-1]:
        return _pool(x, sizes=sizes, return_indices=return_indices)

    @ops.custom_gradient  # outside the islands: inside one, TensorFlow would copy x
    def run(x):
        def gradient(*upstream):  # JAX passes one tuple, TensorFlow its entries
            return _input_gradient(
                keras.tree.flatten(upstream)[0],
                _argmax_indices(x, sizes=sizes),
                spatial=tuple(x.shape[1:-1]),
                sizes=sizes,
            )

        return _pool(x, sizes=sizes, return_indices=return_indices), gradient

    return run(x)


@island
def _pool(x, *, sizes, return_indices):
    values, indices = _maxima(x, sizes)
    return (values, indices) if return_indices else values


@island  # an island of its own, as XLA would otherwise find each bin's winner anew at each of its elements
def _argmax_indices(x, *, sizes):
    return _maxima(x, sizes)[1]


@island
def _input_gradient(dy, indices, *, spatial, sizes):
    return unpool_covered(dy, indices, spatial, covering_bins(spatial, sizes))


def covering_bins(spatial, sizes):
    """Returns, for each axis, the bins that may cover its positions, in the format of `covering_windows`."""
    covering = []
    for n, count in zip(spatial, sizes):
        if count is None:
            covering.append([(int32_range(n), n)])
            continue
        position = np.arange(n)
        first, last = position * count // n, -(-(position + 1) * count // n) - 1
        most = int((last - first).max()) + 1
        covering.append([(np.where(first + i <= last, first + i, count).astype("int32"), count) for i in range(most)])
    return covering


def _maxima(x, sizes):
    """Returns maxima and argmax indices, pooling the last axis first, so that the first of equal values wins."""
    spatial, channels, dtype = ops.shape(x)[1:-1], ops.shape(x)[-1], x.dtype
    x = ops.cast(x, sum_dtype(dtype))  # XLA would convert 16 bits to 32 and back at each comparison
    indices, stride = ops.zeros_like(x, dtype="int32"), 1
    for axis in range(len(sizes), 0, -1):
        indices = indices + reshape_to_axis(ops.arange(spatial[axis - 1], dtype="int32") * stride, axis, len(sizes))
        stride = stride * spatial[axis - 1]
        count = sizes[axis - 1]
        if count is not None and not (bins_written_out(x.shape[axis], count) and written_out(x.shape[axis] or 1)):
            x, indices = _bin_maximum(*(gather_bins(part, axis, count)[0] for part in (x, indices)), axis + 1)
        elif count is not None:
            parts = (split_into_bins(part, axis, count) for part in (x, indices))
            x, indices = (
                ops.stack(results, axis) for results in zip(*(_bin_maximum(*pair, axis) for pair in zip(*parts)))
            )
    return ops.cast(x, dtype), indices * channels + ops.arange(channels, dtype="int32")


def _bin_maximum(part, indices, axis):
    """Returns the maximum of a bin along an axis, and its index."""
    length = part.shape[axis]
    if length is None or not written_out(length):
        wins = _winner_mask(part, axis)
        return _masked_value(part, wins, axis), _masked_value(indices, wins, axis)
    # element by element: 4 to 14 times faster than XLA's reductions, which also skip NaN
    elements, labels = ([a[(slice(None),) * axis + (i,)] for i in range(length)] for a in (part, indices))
    return maximum_without_gradient(elements), argmax(zip(labels, elements))


def _winner_mask(part, axis):
    """Returns a mask that is True at the first maximum, or at the last NaN; XLA's argmax is slow and skips NaN."""
    index = reshape_to_axis(ops.arange(ops.shape(part)[axis], dtype="int32"), axis, len(part.shape) - 2)
    order = ops.where(
        ops.equal(part, ops.max(part, axis, keepdims=True, initial=lowest(part.dtype))), index, ops.shape(part)[axis]
    )
    order = ops.where(ops.not_equal(part, part), -1 - index, order)  # of NaN the last sorts first
    first = ops.min(order, axis, keepdims=True, initial=np.iinfo("int32").max)  # an empty batch has no minimum
    return ops.equal(index, ops.where(first < 0, -1 - first, first))


def _masked_value(part, wins, axis):
    """Returns the element along an axis where the mask is True: a sum with zeros, whose gradient needs no scatter."""
    # the cast is for small integers, which Keras sums as int32
    return ops.cast(ops.sum(ops.where(wins, part, 0), axis), part.dtype)

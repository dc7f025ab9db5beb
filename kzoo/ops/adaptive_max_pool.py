"""Adaptive max pooling, optionally with the places of the maxima.

The bins are those of `kzoo.ops.adaptive_average_pool`.

Source: He, Zhang, Ren & Sun 2014, arXiv:1406.4729, for pooling to a fixed size; the rule is that of PyTorch's
AdaptiveMaxPool.
"""

from keras import ops

from kzoo.ops.adaptive_average_pool import bins, bins_of
from kzoo.ops.backend import tensors
from kzoo.ops.max_pool_with_argmax import check_maximum, check_sample, source_indices
from kzoo.ops.views import largest
from kzoo.ops.xla import island

LONG = 64  # cells: a longer chain takes up to a second to compile


def adaptive_max_pool(x, output_size, return_indices=False):
    """The largest value of each bin, and with `return_indices` its place.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns values (B, *output_size, C) in x's dtype, and indices
    of that shape, int32, flat within one sample as in `max_pool_with_argmax`. output_size: an integer, or one an
    axis; None keeps the axis. The first of equal values wins; a NaN beats every number, and the first NaN wins.
    The gradient goes to the winner alone. Errors: ValueError that names the argument, what is expected and what came.

    >>> values, indices = adaptive_max_pool([[[1.0], [9.0], [6.0]]], 2, return_indices=True)
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([9., 9.], dtype=float32), array([1, 1], dtype=int32))
    """
    (x,) = tensors("adaptive_max_pool", "AdaptiveMaxPooling{}D", x)
    sizes = bins_of("adaptive_max_pool", x.shape, output_size)
    check_maximum("adaptive_max_pool", x, return_indices)
    check_sample("adaptive_max_pool", x.shape[1:])
    return _adaptive_max_pool(x, sizes=sizes, return_indices=bool(return_indices))


@island
def _adaptive_max_pool(x, *, sizes, return_indices):
    indices = None
    if return_indices:
        places = source_indices(ops.shape(x)[1:-1]) * x.shape[-1] + ops.arange(x.shape[-1], dtype="int32")
        indices = ops.broadcast_to(places, ops.shape(x))
    for axis in range(len(sizes), 0, -1):  # last axis first: so the first of equal values is first in row-major order
        if sizes[axis - 1] is None:
            continue
        parts = bins(x, axis, sizes[axis - 1])
        if return_indices:
            places = zip(bins(indices, axis, sizes[axis - 1]), parts)
            indices = ops.stack([_pick(place, _winner(part, axis), axis) for place, part in places], axis)
        x = ops.stack([_largest(part, axis) for part in parts], axis)
    return (x, indices) if return_indices else x


def _largest(part, axis):
    """The maximum along an axis, whose gradient goes to one alone of equal cells."""
    length = part.shape[axis]
    if length is None or length > LONG:
        return _pick(part, _winner(part, axis), axis)

    @ops.custom_gradient
    def run(part):
        def gradient(dy):
            return ops.where(_winner(part, axis), ops.expand_dims(dy, axis), 0)

        # cell by cell: forward 4 to 14 times faster than XLA's reductions, which also pass over NaN
        return largest(part[(slice(None),) * axis + (i,)] for i in range(length)), gradient

    return run(part)


def _winner(part, axis):
    """True at the first maximum, or at the first NaN; by plain reductions, as XLA's argmax is slow and skips NaN."""
    length = ops.shape(part)[axis]
    place = ops.reshape(ops.arange(length, dtype="int32"), [-1 if i == axis else 1 for i in range(len(part.shape))])
    top = ops.max(part, axis, keepdims=True)
    order = ops.where(part == top, place, length)
    order = ops.where(part != part, place - length, order)  # noqa: PLR0124 (true of NaN; these come before all others)
    first = ops.min(order, axis, keepdims=True)
    return place == ops.where(first < 0, first + length, first)


def _pick(part, wins, axis):
    # a sum of one cell and zeros: no gather, so no scatter in its gradient; Keras sums small integers as int32
    return ops.cast(ops.sum(ops.where(wins, part, 0), axis), part.dtype)

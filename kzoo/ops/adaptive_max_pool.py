"""Adaptive max pooling, optionally with the places of the maxima.

The bins are those of `kzoo.ops.adaptive_average_pool`.

Source: He, Zhang, Ren & Sun 2014, arXiv:1406.4729, for pooling to a fixed size; the rule is that of PyTorch's
AdaptiveMaxPool.
"""

import keras
import numpy as np
from keras import ops

from kzoo.ops.adaptive_average_pool import bins, bins_of
from kzoo.ops.argmax_indices import along, numbers, spread
from kzoo.ops.backend import tensors, wide
from kzoo.ops.max_pool_with_argmax import check_maximum, check_sample
from kzoo.ops.views import maximum, winner
from kzoo.ops.xla import island

LONG = 64  # cells: a longer chain takes up to a second to compile


def adaptive_max_pool(x, output_size, return_indices=False):
    """The largest value of each bin, and with `return_indices` its place.

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; returns values (B, *output_size, C) in x's dtype, and indices
    of that shape, int32, flat within one sample as in `max_pool_with_argmax`. output_size: an integer, or one an
    axis; None keeps the axis. The first of equal values wins; a NaN beats every number, and the last NaN wins.
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


def _adaptive_max_pool(x, *, sizes, return_indices):
    if None in x.shape[1:-1]:
        return _pool(x, sizes=sizes, return_indices=return_indices)

    @ops.custom_gradient  # around the islands: within one TensorFlow would copy x
    def run(x):
        def gradient(*upstream):  # JAX hands on one tuple, TensorFlow its entries
            return _slope(
                keras.tree.flatten(upstream)[0], _places(x, sizes=sizes), spatial=tuple(x.shape[1:-1]), sizes=sizes
            )

        return _pool(x, sizes=sizes, return_indices=return_indices), gradient

    return run(x)


@island
def _pool(x, *, sizes, return_indices):
    values, places = _maxima(x, sizes)
    return (values, places) if return_indices else values


@island  # apart from what reads it, where XLA would find each bin's winner anew at each of its cells
def _places(x, *, sizes):
    return _maxima(x, sizes)[1]


@island
def _slope(dy, places, *, spatial, sizes):
    return spread(dy, places, spatial, bin_covers(spatial, sizes))


def bin_covers(spatial, sizes):
    """For each axis the bins that may hold its cells, as `window_covers`."""
    covers = []
    for n, count in zip(spatial, sizes):
        if count is None:
            covers.append([(numbers(n), n)])
            continue
        cell = np.arange(n)
        first, last = cell * count // n, -(-(cell + 1) * count // n) - 1
        most = int((last - first).max()) + 1
        covers.append([(np.where(first + i <= last, first + i, count).astype("int32"), count) for i in range(most)])
    return covers


def _maxima(x, sizes):
    """Values and places, an axis at a time, the last first: of equal values the first in row-major order wins."""
    spatial, channels, dtype = ops.shape(x)[1:-1], ops.shape(x)[-1], x.dtype
    x = ops.cast(x, wide(dtype))  # XLA would go from 16 bits to 32 and back at each comparison
    places, stride = ops.zeros_like(x, dtype="int32"), 1
    for axis in range(len(sizes), 0, -1):
        places = places + along(ops.arange(spatial[axis - 1], dtype="int32") * stride, axis, len(sizes))
        stride = stride * spatial[axis - 1]
        if sizes[axis - 1] is not None:
            parts = (bins(part, axis, sizes[axis - 1]) for part in (x, places))
            x, places = (ops.stack(best, axis) for best in zip(*(_largest(*pair, axis) for pair in zip(*parts))))
    return ops.cast(x, dtype), places * channels + ops.arange(channels, dtype="int32")


def _largest(part, places, axis):
    """The maximum of a bin along an axis, and its place."""
    length = part.shape[axis]
    if length is None or length > LONG:
        wins = _winner(part, axis)
        return _pick(part, wins, axis), _pick(places, wins, axis)
    # cell by cell: 4 to 14 times faster than XLA's reductions, which also pass over NaN
    cells, labels = ([a[(slice(None),) * axis + (i,)] for i in range(length)] for a in (part, places))
    return maximum(cells), winner(zip(labels, cells))


def _winner(part, axis):
    """True at the first maximum, or at the last NaN; by plain reductions, as XLA's argmax is slow and skips NaN."""
    place = along(ops.arange(ops.shape(part)[axis], dtype="int32"), axis, len(part.shape) - 2)
    order = ops.where(part == ops.max(part, axis, keepdims=True), place, ops.shape(part)[axis])
    order = ops.where(part != part, -1 - place, order)  # noqa: PLR0124 (true of NaN; the last comes before all others)
    first = ops.min(order, axis, keepdims=True)
    return place == ops.where(first < 0, -1 - first, first)


def _pick(part, wins, axis):
    # a sum of one cell and zeros: no gather, so no scatter in its gradient; Keras sums small integers as int32
    return ops.cast(ops.sum(ops.where(wins, part, 0), axis), part.dtype)

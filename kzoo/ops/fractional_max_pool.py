"""Fractional max pooling: max pooling over regions of one or two elements on each axis, to shrink a map by any ratio.

Source: Graham 2014, "Fractional max-pooling", arXiv:1412.6071.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from kzoo.checks import as_bool, is_integer, require
from kzoo.ops.argmax_indices import reshape_to_axis
from kzoo.ops.backend import check_ordered, spatial_rank, tensors
from kzoo.ops.views import maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Tensor

__all__ = ["fractional_edges", "fractional_max_pool"]


def fractional_max_pool(x: Tensor, edges: Sequence[Tensor], overlapping: bool = False, widest: int = 2) -> Tensor:
    """Returns the maximum of each region between edges.

    Shapes: x (B, *spatial, C) floating or integer, in 1 to 3 spatial axes; edges, for each axis a vector of integers
    from 0 to the axis's size in steps of 1 to `widest`; returns (B, *output, C) in x's dtype, output[i] = len(edges[i])
    - 1. Region i spans edges[i] to edges[i + 1] - 1; if `overlapping` it includes edges[i + 1] too, except for the last
    region. Of equal values one receives the gradient. `fractional_edges` draws edges as in the paper. Edges that are
    tensors of a graph are not checked.

    >>> fractional_max_pool([[[1.0], [5.0], [2.0]]], [[0, 1, 3]])[0, :, 0].numpy()
    array([1., 5.], dtype=float32)
    """
    who = "fractional_max_pool"
    (x,) = tensors(who, "FractionalMaxPooling{}D", x)
    rank = spatial_rank(who, x.shape)
    check_ordered(who, x)
    require(is_integer(widest, least=1), who, "widest, an integer of at least 1", widest=widest)
    several = isinstance(edges, (tuple, list)) and len(edges) == rank
    require(several, who, f"edges, {rank} vectors of integers", edges=edges)
    for axis, (vector, n) in enumerate(zip(edges, x.shape[1:-1])):
        _check_edges(who, axis, vector, n, widest)
    edges = [ops.cast(vector, "int32") for vector in edges]
    return _fractional_max_pool(
        x, *edges, overlapping=as_bool("fractional_max_pool", overlapping=overlapping), widest=int(widest)
    )


def _check_edges(who, axis, vector, n, widest):
    try:
        values = np.asarray(vector)
    except (TypeError, ValueError, NotImplementedError):
        if ops.is_tensor(vector):  # within a graph, or under JAX's jit
            return
        values = np.zeros(())
    good = values.ndim == 1 and values.dtype.kind in "iu" and len(values) > 1 and values[0] == 0
    good = good and n in (None, values[-1]) and np.diff(values).min() >= 1 and np.diff(values).max() <= widest
    expected = f"edges from 0 to {n or 'the size'} on spatial axis {axis} in steps of 1 to {widest}"
    require(good, who, expected, edges=values.tolist() if values.ndim else vector)


@island
def _fractional_max_pool(x, *edges, overlapping, widest):
    for axis, vector in enumerate(edges, start=1):
        stops = ops.minimum(vector[1:] + int(overlapping), ops.shape(x)[axis])
        x = window_maximum(x, axis, vector[:-1], stops, widest + int(overlapping))
    return x


def window_maximum(x, axis, starts, stops, widest):
    """Returns the maxima of x[starts[i]:stops[i]] along an axis; none of these slices is longer than `widest`."""

    def index(offset):  # beyond the end of a shorter window, its last element again
        return ops.minimum(starts + offset, stops - 1)

    if written_out(widest):
        return maximum(ops.take(x, index(offset), axis) for offset in range(widest))

    def step(offset, state):
        best, top = state
        view = ops.take(x, index(offset), axis)
        wins = (view > top) | ops.not_equal(view, view)  # the latter for NaN
        return ops.where(wins, reshape_to_axis(index(offset), axis, len(x.shape) - 2), best), ops.where(wins, view, top)

    first = ops.take(x, starts, axis)
    begin = ops.zeros_like(first, dtype="int32") + reshape_to_axis(starts, axis, len(x.shape) - 2)
    best, _ = ops.fori_loop(1, widest, step, (begin, first))
    return ops.take_along_axis(x, ops.stop_gradient(best), axis)


def fractional_edges(size: int, count: int, samples: Tensor, pseudo_random: bool = True) -> Tensor:
    """Returns the edges of `count` regions over `size` elements, drawn as in the paper: (count + 1,) int32.

    samples, uniform in (0, 1): for the pseudo-random sequence one number u, which puts edge i at ceil(ratio * (i + u))
    - ceil(ratio * u); for the random sequence `count` numbers, whose order decides which steps are the longer ones.

    >>> fractional_edges(7, 5, 0.5).numpy()
    array([0, 2, 3, 4, 6, 7], dtype=int32)
    """
    who = "fractional_edges"
    pseudo_random = as_bool(who, pseudo_random=pseudo_random)
    samples = ops.convert_to_tensor(samples, "float32")
    if not ops.is_tensor(size):  # a tensor of a graph is not checked
        require(is_integer(size, 1), who, "size, an integer above 0", size=size)
        require(is_integer(count, 1) and count <= size, who, f"count, an integer of 1 to {size}", count=count)
        shape = () if pseudo_random else (count,)
        require(tuple(samples.shape) == shape, who, f"samples of shape {shape}", samples=tuple(samples.shape))
    if pseudo_random:
        # in integers, so that rounding cannot change a step: ceil((i * size + t) / count) is the same with t rounded up
        shift = ops.cast(ops.ceil(samples * ops.cast(size, "float32")), "int32")
        edges = (ops.arange(count + 1, dtype="int32") * size + shift + count - 1) // count
        return edges - edges[0]
    rank = ops.argsort(ops.argsort(samples))
    steps = size // count + ops.cast(rank < size % count, "int32")
    return ops.concatenate([ops.zeros((1,), "int32"), ops.cumsum(steps)])

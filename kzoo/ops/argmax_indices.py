"""Argmax indices: the flat indices of the maxima of a pool, and how windows and input positions map to each other.

An index counts the elements of one sample without padding, in row-major order, channels last. `unpool` and
`take_at_indices` compare indices instead of scattering; each is the gradient of the other.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks" (switches).
"""

import functools
import itertools
import operator

import numpy as np
from keras import ops

from kzoo.ops.backend import sum_dtype
from kzoo.ops.views import written_out
from kzoo.ops.xla import island

NO_INDEX = -(2**31)  # not the index of any element


def reshape_to_axis(vector, axis, rank):
    """Returns a vector reshaped to broadcast along one axis of a tensor (1, *spatial, 1) of this rank."""
    return ops.reshape(vector, [-1 if i == axis else 1 for i in range(rank + 2)])


def ravel_index(coordinates, size):
    """Returns the row-major index of a position; `coordinates` holds an integer or tensor for each spatial axis."""
    index = 0
    for coordinate, n in zip(coordinates, size):
        index = index * n + coordinate
    return index


def int32_range(n):
    """Returns 0 to n - 1, as a constant if n is known.

    An index vector that is not a constant is computed again by XLA for each element that reads it.
    """
    return np.arange(n, dtype="int32") if isinstance(n, int) else ops.arange(n, dtype="int32")


def argmax_mask(x):
    """Returns a mask that is True at the first maximum, or first NaN, along the last axis, whose size is known.

    It uses comparisons only, which every export format supports; some lack the bit operations of Keras's `argmax`.
    """
    indices = np.arange(x.shape[-1], dtype="int32")
    found = (x == ops.max(x, -1, keepdims=True)) | (x != x)  # noqa: PLR0124 (True for NaN)
    return indices == ops.min(ops.where(found, indices, x.shape[-1]), -1, keepdims=True)


def position_indices(size):
    """Returns the flat index of each position of a sample without channels: (1, *size, 1) int32."""
    rank = len(size)
    return ravel_index(
        [reshape_to_axis(ops.arange(n, dtype="int32"), axis, rank) for axis, n in enumerate(size, 1)], size
    )


def window_origins(win, size, output):
    """Returns the flat index of each window's first position, (1, *output, 1) int32.

    It is arbitrary where that position lies in the padding.
    """
    begins = zip(output, win.strides, win.pairs(size))
    starts = [ops.arange(n, dtype="int32") * s - before for n, s, (before, _) in begins]
    return ravel_index([reshape_to_axis(start, axis, len(size)) for axis, start in enumerate(starts, 1)], size)


def covering_windows(win, size, output):
    """Returns the windows that cover each position: for each axis a list of pairs (vector, number of windows).

    A vector has one window for each position of the axis; an entry equal to the number of windows stands for none.
    """
    covering = []
    axes = zip(size, output, *win[:3], win.pairs(size), _steps_back(win))
    for n, count, k, s, d, (before, _), steps in axes:
        position = int32_range(n) + before
        covering.append([])
        for back in steps:
            window = position // s - back
            offset = position - window * s
            holds = (window >= 0) & (window < count) & (offset % d == 0) & (offset <= (k - 1) * d)
            covering[-1].append((_numpy_or_ops(holds).where(holds, window, count), count))
    return covering


def _steps_back(win):
    """Returns for each axis how many windows before the last one to start at a position others may cover it."""
    return [sorted({o * d // s for o in range(k)}) for k, s, d in zip(*win[:3])]


def _numpy_or_ops(vector):
    return np if isinstance(vector, np.ndarray) else ops


def unpool_covered(values, indices, size, covering):
    """Returns the values added up at the positions that their indices name: (B, *output, C) to (B, *size, C).

    Each position reads the index of every window that covers it, which `covering` lists for each axis, and compares.
    These gathers are up to twice as fast as strided views, which would need no index vectors. Where many windows cover
    a position, values are scattered instead.
    """
    if not written_out(*map(len, covering)):
        return scatter_add(values, indices, size)
    rank, channels = len(size), ops.shape(values)[-1]
    positions = position_indices(size) * channels
    # One window beyond the last, with no index, stands for "no window". XLA does not fuse a padding with its
    # readers, so the indices are computed once.
    wanted = indices - ops.arange(channels, dtype="int32")
    wanted = ops.pad(wanted, ((0, 0), *((0, 1),) * rank, (0, 0)), constant_values=NO_INDEX)
    padded_values, total = ops.cast(values, sum_dtype(values.dtype)), None
    for windows in itertools.product(*covering):
        index, value = wanted, padded_values
        for axis, (window, none) in enumerate(windows, 1):
            inside = _numpy_or_ops(window).minimum(window, none - 1)
            index, value = ops.take(index, window, axis), ops.take(value, inside, axis)
        part = ops.where(index == positions, value, 0)
        total = part if total is None else total + part
    return ops.cast(total, values.dtype)


def scatter_add(values, indices, size):
    """Returns the values added up at their indices: (B, *output, C) to (B, *size, C), summed in float32 or wider.

    Deterministic on CPU, where XLA and TensorFlow add duplicates in order.
    """
    batch, channels = ops.shape(values)[0], values.shape[-1]
    flat_indices = _flat_samples(indices)
    rows = ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], ops.shape(flat_indices))
    targets = ops.stack([ops.reshape(rows, (-1,)), ops.reshape(flat_indices, (-1,))], -1)
    flat_values = ops.reshape(ops.cast(values, sum_dtype(values.dtype)), (-1,))
    total = functools.reduce(operator.mul, size, channels)
    y = ops.scatter(targets, flat_values, (batch, total))
    return ops.cast(ops.reshape(y, (batch, *size, channels)), values.dtype)


def _in_window(indices, win, size):
    """Returns a mask that is True where an index is that of an element of its own window and channel."""
    output, channels = ops.shape(indices)[1:-1], ops.shape(indices)[-1]
    inside = (indices >= 0) & (indices % channels == ops.arange(channels, dtype="int32"))
    position = indices // channels
    axes = list(enumerate(zip(size, output, *win[:3], win.pairs(size)), start=1))
    for axis, (n, count, k, s, d, (before, _)) in reversed(axes):
        coordinate, position = position % n, position // n
        start = reshape_to_axis(ops.arange(count, dtype="int32") * s - before, axis, len(size))
        offset = coordinate - start
        inside = inside & (offset >= 0) & (offset <= (k - 1) * d) & (offset % d == 0)
    return inside & (position == 0)


def unpool(values, indices, *sizes, size, win):
    """Returns `unpool_covered` over the windows of a pool, with its gradient. An index outside its window is dropped.

    `size` holds None for the entries that are tensors; these follow as `sizes`.
    """

    @ops.custom_gradient  # outside the islands: inside one, TensorFlow would copy each argument
    def run(values, indices, *sizes):
        # as tensors of the current graph, where second derivatives can reach them
        indices, *sizes = map(ops.stop_gradient, (indices, *sizes))

        def gradient(dy):
            return take_at_indices(dy, indices, win), None, *(None for _ in sizes)

        return _unpool(values, indices, *sizes, size=size, win=win), gradient

    return run(values, indices, *sizes)


def take_at_indices(x, indices, win):
    """Returns the elements of x (B, *size, C) at the windows' indices, (B, *output, C); 0 if outside its window."""

    @ops.custom_gradient
    def run(x, indices):
        indices = ops.stop_gradient(indices)  # as above
        size, sizes = split_size(ops.shape(x)[1:-1])
        sizes = list(map(ops.stop_gradient, sizes))

        def gradient(dy):
            return unpool(dy, indices, *sizes, size=size, win=win), None

        return _take_at_indices(x, indices, win=win), gradient

    return run(x, indices)


def split_size(size):
    """Returns a size with None in place of tensors, and these tensors: an XLA island takes tensors by position only."""
    return tuple(n if isinstance(n, int) else None for n in size), [n for n in size if not isinstance(n, int)]


def merge_size(size, sizes):
    """Returns the size that `split_size` took apart."""
    rest = iter(sizes)
    return tuple(next(rest) if n is None else n for n in size)


@island
def _unpool(values, indices, *sizes, size, win):
    size = merge_size(size, sizes)
    if not written_out(*map(len, _steps_back(win))):
        inside = _in_window(indices, win, size)
        return scatter_add(ops.where(inside, values, 0), ops.where(inside, indices, 0), size)
    return unpool_covered(values, indices, size, covering_windows(win, size, ops.shape(values)[1:-1]))


@island
def _take_at_indices(x, indices, *, win):
    size, channels, output = ops.shape(x)[1:-1], ops.shape(x)[-1], ops.shape(indices)[1:-1]
    if not written_out(*win.size):
        inside = _in_window(indices, win, size)
        return ops.where(inside, elements_at(x, ops.where(inside, indices, 0)), 0)
    steps = indices - (window_origins(win, size, output) * channels + ops.arange(channels, dtype="int32"))
    total = 0
    for offset, view in win.views(win.pad(x), output):
        step = ravel_index([o * d for o, d in zip(offset, win.dilations)], size) * channels
        total = total + ops.where(steps == step, view, 0)  # padding may share the step, but is 0
    return total


def elements_at(x, indices):
    """Returns the elements of x (B, *spatial, C) at flat indices of their samples (B, *output, C)."""
    return ops.reshape(ops.take_along_axis(_flat_samples(x), _flat_samples(indices), 1), ops.shape(indices))


def _flat_samples(x):
    """Returns x as (B, elements), for an empty batch too."""
    batch, *shape = ops.shape(x)
    return ops.reshape(x, (batch, functools.reduce(operator.mul, shape)))

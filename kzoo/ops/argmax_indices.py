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

from kzoo.ops.backend import scatter_maximum, sum_dtype
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
    found = ops.equal(x, ops.max(x, -1, keepdims=True)) | ops.not_equal(x, x)  # the latter for NaN
    return ops.equal(indices, ops.min(ops.where(found, indices, x.shape[-1]), -1, keepdims=True))


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
            holds = (
                (window >= 0) & (window < count) & _numpy_or_ops(offset).equal(offset % d, 0) & (offset <= (k - 1) * d)
            )
            covering[-1].append((_numpy_or_ops(holds).where(holds, window, count), count))
    return covering


def _steps_back(win):
    """Returns for each axis how many windows before the last one to start at a position others may cover it."""
    return [sorted({o * d // s for o in range(k)}) for k, s, d in zip(*win[:3])]


def _numpy_or_ops(vector):
    return np if isinstance(vector, np.ndarray) else ops


def unpool_covered(values, indices, size, covering, maximum=False):
    """Returns the values added up at the positions that their indices name: (B, *output, C) to (B, *size, C).

    With `maximum` the largest of values above 0 instead of their sum.

    Each position reads the index of every window that covers it, which `covering` lists for each axis, and compares.
    These gathers are up to twice as fast as strided views, which would need no index vectors. Where many windows cover
    a position, values are scattered instead.
    """
    if not written_out(*map(len, covering)):
        return scatter_at(values, indices, size, maximum)
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
        part = ops.where(ops.equal(index, positions), value, 0)
        total = part if total is None else ops.maximum(total, part) if maximum else total + part
    return ops.cast(total, values.dtype)


def scatter_at(values, indices, size, maximum=False):
    """Returns the values added up at their indices: (B, *output, C) to (B, *size, C), summed in float32 or wider.

    With `maximum` the largest of values above 0 instead of their sum.
    Deterministic on CPU, where XLA and TensorFlow add duplicates in order.
    """
    batch, channels = ops.shape(values)[0], values.shape[-1]
    flat_indices = _flat_samples(indices)
    rows = ops.broadcast_to(ops.arange(batch, dtype="int32")[:, None], ops.shape(flat_indices))
    targets = ops.stack([ops.reshape(rows, (-1,)), ops.reshape(flat_indices, (-1,))], -1)
    flat_values = ops.reshape(ops.cast(values, sum_dtype(values.dtype)), (-1,))
    total = functools.reduce(operator.mul, size, channels)
    y = (scatter_maximum if maximum else ops.scatter)(targets, flat_values, (batch, total))
    return ops.cast(ops.reshape(y, (batch, *size, channels)), values.dtype)


def in_window(indices, win, size):
    """Returns a mask that is True where an index is that of an element of its own window and channel."""
    output, channels = ops.shape(indices)[1:-1], ops.shape(indices)[-1]
    if not written_out(*win.size):
        return _in_large_window(indices, win, size, output, channels)
    # compared with each tap, which takes a fraction of the time of integer divisions
    steps, inside = _steps_from_origin(indices, win, size, output), False
    taps = [_taps_inside(n, *axis) for n, *axis in zip(size, output, *win[:3], win.pairs(size))]
    for offset in itertools.product(*map(range, win.size)):
        step = ravel_index([o * d for o, d in zip(offset, win.dilations)], size) * channels
        found = ops.equal(steps, step)
        for axis, (o, axis_taps) in enumerate(zip(offset, taps), 1):
            if axis_taps is not None:
                found = found & reshape_to_axis(axis_taps[o], axis, len(size))
        inside = inside | found
    return inside


def _steps_from_origin(indices, win, size, output):
    """Returns how many elements after that of its own channel at its window's origin each index is."""
    channels = ops.shape(indices)[-1]
    return indices - (window_origins(win, size, output) * channels + ops.arange(channels, dtype="int32"))


def _taps_inside(n, count, k, s, d, pair):
    """Returns for each tap on an axis which windows have it inside the sample; None if all have all."""
    if isinstance(n, int) and isinstance(count, int) and pair[0] == 0 and (count - 1) * s + (k - 1) * d < n:
        return None
    starts = int32_range(count) * s - pair[0]
    return [(starts + o * d >= 0) & (starts + o * d < n) for o in range(k)]


def _in_large_window(indices, win, size, output, channels):
    """Returns `in_window` from the coordinates of the indices."""
    inside = (indices >= 0) & ops.equal(indices % channels, ops.arange(channels, dtype="int32"))
    position = indices // channels
    axes = list(enumerate(zip(size, output, *win[:3], win.pairs(size)), start=1))
    for axis, (n, count, k, s, d, (before, _)) in reversed(axes):
        coordinate, position = position % n, position // n
        start = reshape_to_axis(ops.arange(count, dtype="int32") * s - before, axis, len(size))
        offset = coordinate - start
        inside = inside & (offset >= 0) & (offset <= (k - 1) * d) & ops.equal(offset % d, 0)
    return inside & ops.equal(position, 0)


def in_sample(indices, size):
    """Returns a mask that is True where an index is that of an element of a sample (*size, C)."""
    return (indices >= 0) & (indices < functools.reduce(operator.mul, size, ops.shape(indices)[-1]))


def _reached(indices, win, size):
    return in_sample(indices, size) if win is None else in_window(indices, win, size)


def last_of_duplicates(indices, *sizes, size, win):
    """Returns a mask that is True where no later window has the same index, for indices that `unpool` sees."""
    output, channels = ops.shape(indices)[1:-1], indices.shape[-1]
    numbers = position_indices(output) * channels + ops.arange(channels, dtype="int32") + 1
    numbers = ops.broadcast_to(numbers, ops.shape(indices))
    last = _unpool(numbers, indices, *sizes, size=size, win=win, maximum=True)
    return ops.equal(_take_at_indices(last, indices, win=win), numbers)


def unpool(values, indices, *sizes, size, win, in_windows=None):
    """Returns the values added up at their indices, with the gradient: (B, *output, C) to (B, *size, C).

    Only indices in their own windows are seen, or without a window any of the sample. If `in_windows` is a tensor, it
    says whether all indices are in their windows; if not, any of the sample are seen too. `size` holds None for the
    entries that are tensors; these follow as `sizes`.
    """
    flag = [] if in_windows is None else [ops.cast(in_windows, "int32")]

    @ops.custom_gradient  # outside the islands: inside one, TensorFlow would copy each argument
    def run(values, indices, *rest):
        # as tensors of the current graph, where second derivatives can reach them
        indices, *rest = map(ops.stop_gradient, (indices, *rest))
        sizes, in_windows = rest[len(flag) :], rest[0] > 0 if flag else None

        def gradient(dy):
            return take_at_indices(dy, indices, win, in_windows), None, *(None for _ in rest)

        return choose_window(_unpool, in_windows, values, indices, *sizes, size=size, win=win), gradient

    return run(values, indices, *flag, *sizes)


def choose_window(fn, in_windows, *tensors, win, **settings):
    """Returns the result of `fn` with the window, or without it where the tensor `in_windows` is False."""
    by_window, by_index = (functools.partial(fn, *tensors, win=each, **settings) for each in (win, None))
    return by_window() if in_windows is None else ops.cond(in_windows, by_window, by_index)


def take_at_indices(x, indices, win, in_windows=None):
    """Returns the elements of x (B, *size, C) at indices (B, *output, C); 0 where `unpool` does not see the index."""
    flag = [] if in_windows is None else [ops.cast(in_windows, "int32")]

    @ops.custom_gradient
    def run(x, indices, *flag):
        indices, *flag = map(ops.stop_gradient, (indices, *flag))  # as above
        size, sizes = split_size(ops.shape(x)[1:-1])
        sizes, in_windows = list(map(ops.stop_gradient, sizes)), flag[0] > 0 if flag else None

        def gradient(dy):
            return unpool(dy, indices, *sizes, size=size, win=win, in_windows=in_windows), None, *(None for _ in flag)

        return choose_window(_take_at_indices, in_windows, x, indices, win=win), gradient

    return run(x, indices, *flag)


def split_size(size):
    """Returns a size with None in place of tensors, and these tensors: an XLA island takes tensors by position only."""
    return tuple(n if isinstance(n, int) else None for n in size), [n for n in size if not isinstance(n, int)]


def merge_size(size, sizes):
    """Returns the size that `split_size` took apart."""
    rest = iter(sizes)
    return tuple(next(rest) if n is None else n for n in size)


@island
def _unpool(values, indices, *sizes, size, win, maximum=False):
    size = merge_size(size, sizes)
    if win is None or not written_out(*map(len, _steps_back(win))):
        inside = _reached(indices, win, size)
        return scatter_at(ops.where(inside, values, 0), ops.where(inside, indices, 0), size, maximum)
    return unpool_covered(values, indices, size, covering_windows(win, size, ops.shape(values)[1:-1]), maximum)


@island
def _take_at_indices(x, indices, *, win):
    size, channels, output = ops.shape(x)[1:-1], ops.shape(x)[-1], ops.shape(indices)[1:-1]
    if win is None or not written_out(*win.size):
        inside = _reached(indices, win, size)
        return ops.where(inside, elements_at(x, ops.where(inside, indices, 0)), 0)
    steps, total = _steps_from_origin(indices, win, size, output), 0
    for offset, view in win.views(win.pad(x), output):
        step = ravel_index([o * d for o, d in zip(offset, win.dilations)], size) * channels
        total = total + ops.where(ops.equal(steps, step), view, 0)  # padding may share the step, but is 0
    return total


def elements_at(x, indices):
    """Returns the elements of x (B, *spatial, C) at flat indices of their samples (B, *output, C)."""
    return ops.reshape(ops.take_along_axis(_flat_samples(x), _flat_samples(indices), 1), ops.shape(indices))


def _flat_samples(x):
    """Returns x as (B, elements), for an empty batch too."""
    batch, *shape = ops.shape(x)
    return ops.reshape(x, (batch, functools.reduce(operator.mul, shape)))

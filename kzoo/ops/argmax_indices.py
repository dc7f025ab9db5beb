"""Places: the flat indices by which a pool says where its maxima were, and the ways between its windows and cells.

`unpool` and `collect` compare places and scatter nothing; each is the gradient of the other.

Source: Zeiler, Taylor & Fergus 2011, "Adaptive deconvolutional networks" (switches).
"""

import itertools

import numpy as np
from keras import ops

from kzoo.ops.backend import wide
from kzoo.ops.xla import island

NOWHERE = -(2**31)  # no cell's place


def along(vector, axis, rank):
    """A vector as the axis of a tensor (1, *spatial, 1) of this rank."""
    return ops.reshape(vector, [-1 if i == axis else 1 for i in range(rank + 2)])


def flat(coordinates, size):
    """Row-major number of a cell of a sample without channels; a coordinate an axis, integers or tensors."""
    place = 0
    for coordinate, n in zip(coordinates, size):
        place = place * n + coordinate
    return place


def numbers(n):
    """0 to n - 1, a constant where n is known: another index XLA would compute at each cell."""
    return np.arange(n, dtype="int32") if isinstance(n, int) else ops.arange(n, dtype="int32")


def first_largest(x):
    """True at the first largest number, or first NaN, of the last axis, whose size is known.

    By comparisons, which every format of exported models has; of Keras's `argmax` some lack the bit operations.
    """
    places = np.arange(x.shape[-1], dtype="int32")
    found = (x == ops.max(x, -1, keepdims=True)) | (x != x)  # noqa: PLR0124 (true of NaN)
    return places == ops.min(ops.where(found, places, x.shape[-1]), -1, keepdims=True)


def source_indices(size):
    """Flat index of each cell of a sample without channels, (1, *size, 1) int32."""
    rank = len(size)
    return flat([along(ops.arange(n, dtype="int32"), axis, rank) for axis, n in enumerate(size, 1)], size)


def window_origins(win, size, output):
    """Flat index of the cell where each window begins, (1, *output, 1) int32; in the padding it may be any number."""
    begins = zip(output, win.strides, win.pairs(size))
    starts = [ops.arange(n, dtype="int32") * s - before for n, s, (before, _) in begins]
    return flat([along(start, axis, len(size)) for axis, start in enumerate(starts, 1)], size)


def window_covers(win, size, output):
    """For each axis the windows that may hold its cells: pairs of a vector of windows, and the number that is none."""
    covers = []
    for n, count, k, s, d, (before, _) in zip(size, output, *win[:3], win.pairs(size)):
        cell = numbers(n) + before
        covers.append([])
        for back in sorted({o * d // s for o in range(k)}):
            window = cell // s - back
            offset = cell - window * s
            holds = (window >= 0) & (window < count) & (offset % d == 0) & (offset <= (k - 1) * d)
            covers[-1].append((_library(holds).where(holds, window, count), count))
    return covers


def _library(vector):
    return np if isinstance(vector, np.ndarray) else ops


def spread(values, places, size, covers):
    """Add each value to the cell that its place names: (B, *output, C) to (B, *size, C).

    Each cell asks the windows that hold it, which `covers` lists an axis, whether it won. Reading a window's answer by
    index is up to twice as fast as views by phase, for all that these need no index.
    """
    rank, channels = len(size), ops.shape(values)[-1]
    cells = source_indices(size) * channels
    # a row beyond the last, which nothing won; XLA fuses no padding with what reads it, so that it finds winners once
    wanted = places - ops.arange(channels, dtype="int32")
    wanted = ops.pad(wanted, ((0, 0), *((0, 1),) * rank, (0, 0)), constant_values=NOWHERE)
    given, total = ops.cast(values, wide(values.dtype)), None
    for cover in itertools.product(*covers):
        place, value = wanted, given
        for axis, (window, none) in enumerate(cover, 1):
            inside = _library(window).minimum(window, none - 1)
            place, value = ops.take(place, window, axis), ops.take(value, inside, axis)
        part = ops.where(place == cells, value, 0)
        total = part if total is None else total + part
    return ops.cast(total, values.dtype)


def unpool(values, places, *sizes, size, win):
    """`spread` over the windows of a pool without copies of cells; a place outside its window is dropped.

    `size` holds None for the entries that are tensors: these follow as `sizes`.
    """

    @ops.custom_gradient  # around the islands: within one TensorFlow would copy each argument
    def run(values, places, *sizes):
        # tensors of the graph at hand, where a gradient's gradient can reach them
        places, *sizes = map(ops.stop_gradient, (places, *sizes))

        def gradient(dy):
            return collect(dy, places, win), None, *(None for _ in sizes)

        return _spread(values, places, *sizes, size=size, win=win), gradient

    return run(values, places, *sizes)


def collect(x, places, win):
    """The cell of x (B, *size, C) that each window's place names, (B, *output, C): 0 for one outside the window."""

    @ops.custom_gradient
    def run(x, places):
        places = ops.stop_gradient(places)  # as above
        size, sizes = split(ops.shape(x)[1:-1])
        sizes = list(map(ops.stop_gradient, sizes))

        def gradient(dy):
            return unpool(dy, places, *sizes, size=size, win=win), None

        return _collect(x, places, win=win), gradient

    return run(x, places)


def split(size):
    """A size whose tensors are None, and these tensors, to travel into an island by position."""
    return tuple(n if isinstance(n, int) else None for n in size), [n for n in size if not isinstance(n, int)]


def merge(size, sizes):
    """What `split` took apart."""
    rest = iter(sizes)
    return tuple(next(rest) if n is None else n for n in size)


@island
def _spread(values, places, *sizes, size, win):
    size = merge(size, sizes)
    return spread(values, places, size, window_covers(win, size, ops.shape(values)[1:-1]))


@island
def _collect(x, places, *, win):
    size, channels, output = ops.shape(x)[1:-1], ops.shape(x)[-1], ops.shape(places)[1:-1]
    steps = places - (window_origins(win, size, output) * channels + ops.arange(channels, dtype="int32"))
    total = 0
    for offset, view in win.views(win.pad(x), output):
        step = flat([o * d for o, d in zip(offset, win.dilations)], size) * channels
        total = total + ops.where(steps == step, view, 0)  # cells of padding may share a step, but are 0
    return total

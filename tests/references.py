"""What the ops compute, as NumPy loops written from the formulas: one cell at a time, any rank, float64.

Nothing is shared with kzoo: where kzoo slices whole views, these functions ask each cell of each window where in
the sample it comes from. Arguments are those of the ops.
"""

import itertools
import math

import numpy as np


def per_axis(value, rank):
    return (value,) * rank if isinstance(value, (int, np.integer)) else tuple(value)


def split_padding(padding):
    """(mode, cells) of any padding argument."""
    if isinstance(padding, str):
        return (padding, "same") if padding in ("circular", "reflect", "replicate") else ("zeros", padding)
    if not isinstance(padding, int) and isinstance(padding[0], str):
        return tuple(padding)
    return "zeros", padding


def pair_of(cells, axis, n, k, s, d):
    """Cells added (before, after) an axis of n cells: TensorFlow's and NumPy's definitions."""
    if cells == "valid":
        return 0, 0
    if cells == "full":
        return (k - 1) * d, (k - 1) * d
    if cells == "same":
        missing = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        return missing // 2, missing - missing // 2
    entry = cells if isinstance(cells, int) else cells[axis]
    return (entry, entry) if isinstance(entry, int) else tuple(entry)


def source(cell, n, mode):
    """The cell of the sample that stands at place `cell`, which may lie outside; None where padding is empty."""
    if 0 <= cell < n:
        return cell
    if mode == "circular":
        return cell % n
    if mode == "reflect":
        return -cell if cell < 0 else 2 * (n - 1) - cell
    if mode == "replicate":
        return 0 if cell < 0 else n - 1
    return None


def windows(spatial, size, strides=1, padding="valid", dilations=1):
    """[(position, [(offset, source or None), ...]), ...], both lists in row-major order, and the output's size."""
    rank = len(spatial)
    size, strides, dilations = (per_axis(v, rank) for v in (size, strides, dilations))
    mode, cells = split_padding(padding)
    axes, output = [], []
    for axis, (n, k, s, d) in enumerate(zip(spatial, size, strides, dilations)):
        before, after = pair_of(cells, axis, n, k, s, d)
        starts = [p for p in range(0, before + n + after, s) if p + (k - 1) * d < before + n + after]
        axes.append([[source(p + o * d - before, n, mode) for o in range(k)] for p in starts])
        output.append(len(starts))
    result = []
    for position in itertools.product(*map(range, output)):
        cells = []
        for offset in itertools.product(*map(range, size)):
            cell = tuple(axes[i][p][o] for i, (p, o) in enumerate(zip(position, offset)))
            cells.append((offset, None if None in cell else cell))
        result.append((position, cells))
    return result, tuple(output)


def pad(x, padding, mode="zeros", constant_values=0):
    spatial = x.shape[1:-1]
    pairs = [pair_of(padding, axis, n, 1, 1, 1) for axis, n in enumerate(spatial)]
    y = np.full((len(x), *(b + n + a for n, (b, a) in zip(spatial, pairs)), x.shape[-1]), constant_values, x.dtype)
    for place in np.ndindex(y.shape[1:-1]):
        cell = tuple(source(p - b, n, mode) for p, n, (b, _) in zip(place, spatial, pairs))
        if None not in cell:
            y[(slice(None), *place)] = x[(slice(None), *cell)]
    return y


def _weighted(x, kernel, size, kernel_of, **geometry):
    """Sums over windows of x (B, *cell, C) times kernel_of(position)[offset] (C, F)."""
    where, output = windows(x.shape[1:-1], size, **geometry)
    y = np.zeros((len(x), *output, kernel.shape[-1]))
    for position, cells in where:
        weights = kernel_of(position)
        for offset, cell in cells:
            if cell is not None:
                y[(slice(None), *position)] += x[(slice(None), *cell)].astype("float64") @ weights[offset]
    return y


def conv(x, kernel, **geometry):
    """Group g of the filters sees group g of the channels alone: zeros everywhere else."""
    *size, depth, filters = kernel.shape
    groups = x.shape[-1] // depth
    whole = np.zeros((*size, x.shape[-1], filters))
    for f in range(filters):
        g = f // (filters // groups)
        whole[..., g * depth : (g + 1) * depth, f] = kernel[..., f]
    return _weighted(x, whole, size, lambda position: whole, **geometry)


def tiled_conv(x, kernel, **geometry):
    rank = x.ndim - 2
    tile, size = kernel.shape[:rank], kernel.shape[rank : 2 * rank]
    return _weighted(x, kernel, size, lambda p: kernel[tuple(i % t for i, t in zip(p, tile))], **geometry)


def locally_connected(x, kernel, **geometry):
    rank = x.ndim - 2
    return _weighted(x, kernel, kernel.shape[rank : 2 * rank], lambda position: kernel[position], **geometry)


def bias_add(y, bias):
    z = np.array(y, "float64")
    for place in np.ndindex(y.shape[1:-1]):
        z[(slice(None), *place)] += bias[tuple(p % t for p, t in zip(place, bias.shape[:-1]))]
    return z


def max_pool_with_argmax(x, ksize, strides=None, padding="valid", dilations=1):
    """The first of equal values wins, the last NaN wins over all; empty cells take no part."""
    where, output = windows(x.shape[1:-1], ksize, ksize if strides is None else strides, padding, dilations)
    values = np.zeros((len(x), *output, x.shape[-1]), x.dtype)
    indices = np.zeros(values.shape, "int32")
    for position, cells in where:
        filled = [cell for _, cell in cells if cell is not None]
        for b, c in np.ndindex(len(x), x.shape[-1]):
            best = filled[0]
            for cell in filled[1:]:
                value = x[(b, *cell, c)]
                if value > x[(b, *best, c)] or np.isnan(value):
                    best = cell
            values[(b, *position, c)] = x[(b, *best, c)]
            indices[(b, *position, c)] = np.ravel_multi_index((*best, c), x.shape[1:])
    return values, indices


def max_unpool(values, indices, output_size, ksize=None, strides=None, padding="valid", dilations=1):
    """Each value is added at its index; with ksize only if that cell belongs to the value's window."""
    rank, channels = values.ndim - 2, values.shape[-1]
    output_size = per_axis(output_size, rank)
    y = np.zeros((len(values), math.prod(output_size) * channels))
    geometry = (ksize, ksize if strides is None else strides, padding, dilations)
    reach = (
        None if ksize is None else {p: {cell for _, cell in cells} for p, cells in windows(output_size, *geometry)[0]}
    )
    for b, *position, c in np.ndindex(values.shape):
        index = indices[(b, *position, c)]
        cell = np.unravel_index(index, (*output_size, channels))[:-1]
        if ksize is None or tuple(map(int, cell)) in reach[tuple(position)]:
            y[b, index] += values[(b, *position, c)]
    return y.reshape(len(values), *output_size, channels)


def _bins(x, output_size):
    """[(position, cells of its box), ...] and the output's size."""
    spatial = x.shape[1:-1]
    sizes = (output_size,) * len(spatial) if output_size is None else per_axis(output_size, len(spatial))
    sizes = tuple(n if m is None else m for n, m in zip(spatial, sizes))
    boxes = []
    for position in np.ndindex(sizes):
        edges = [range(math.floor(i * s / n), math.ceil((i + 1) * s / n)) for i, s, n in zip(position, spatial, sizes)]
        boxes.append((position, list(itertools.product(*edges))))
    return boxes, sizes


def adaptive_average_pool(x, output_size):
    boxes, sizes = _bins(x, output_size)
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for position, cells in boxes:
        for cell in cells:
            y[(slice(None), *position)] += x[(slice(None), *cell)].astype("float64") / len(cells)
    return y


def adaptive_max_pool(x, output_size):
    """(values, indices): the first NaN wins over all, else the first of equal values."""
    boxes, sizes = _bins(x, output_size)
    values = np.zeros((len(x), *sizes, x.shape[-1]), x.dtype)
    indices = np.zeros(values.shape, "int32")
    for position, cells in boxes:
        for b, c in np.ndindex(len(x), x.shape[-1]):
            best = cells[0]
            for cell in cells[1:]:
                value, leader = x[(b, *cell, c)], x[(b, *best, c)]
                if value > leader or (np.isnan(value) and not np.isnan(leader)):
                    best = cell
            values[(b, *position, c)] = x[(b, *best, c)]
            indices[(b, *position, c)] = np.ravel_multi_index((*best, c), x.shape[1:])
    return values, indices

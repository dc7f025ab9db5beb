"""NumPy references that several test files share, as loops written from the formulas, in any rank and float64.

The reference of a single op stands in that op's test file. All references share nothing with kzoo: where kzoo slices
whole views, they look up the source of each element of each window. Arguments are those of the ops.
"""

import itertools
import math

import numpy as np


def per_axis(value, rank):
    return (value,) * rank if isinstance(value, (int, np.integer)) else tuple(value)


def split_padding(padding):
    """Returns (mode, amounts) of any padding argument."""
    if isinstance(padding, str):
        return (padding, "same") if padding in ("circular", "reflect", "replicate") else ("zeros", padding)
    if not isinstance(padding, int) and isinstance(padding[0], str):
        return tuple(padding)
    return "zeros", padding


def pair_of(cells, axis, n, k, s, d):
    """Returns the padding (before, after) of an axis of size n, by TensorFlow's and NumPy's definitions."""
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
    """Returns the position in the sample that padded position `cell` copies; None where padding is empty."""
    if 0 <= cell < n:
        return cell
    if mode == "circular":
        return cell % n
    if mode == "reflect":
        return -cell if cell < 0 else 2 * (n - 1) - cell
    if mode == "replicate":
        return 0 if cell < 0 else n - 1
    return None


def windows(spatial, size, strides=1, padding="valid", dilations=1, ceil_mode=False):
    """Returns [(position, [(offset, source or None), ...]), ...], both in row-major order, and the output's size.

    ceil_mode: a window may exceed the padded input, as PyTorch defines it: the one before it must not reach the padded
    input's end, and it must start before the input's end.
    """
    rank = len(spatial)
    size, strides, dilations = (per_axis(v, rank) for v in (size, strides, dilations))
    mode, cells = split_padding(padding)
    axes, output = [], []
    for axis, (n, k, s, d) in enumerate(zip(spatial, size, strides, dilations)):
        before, after = pair_of(cells, axis, n, k, s, d)
        end, reach = before + n + after, (k - 1) * d + 1
        starts = [p for p in range(0, end, s) if p + reach <= end or (ceil_mode and p - s + reach < end)]
        starts = [p for p in starts if not ceil_mode or p < before + n]
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


def sum_windows(x, kernel, size, kernel_of, **geometry):
    """Returns sums over windows of x (B, *position, C) times kernel_of(position)[offset] (C, F)."""
    where, output = windows(x.shape[1:-1], size, **geometry)
    y = np.zeros((len(x), *output, kernel.shape[-1]))
    for position, cells in where:
        weights = kernel_of(position)
        for offset, cell in cells:
            if cell is not None:
                y[(slice(None), *position)] += x[(slice(None), *cell)].astype("float64") @ weights[offset]
    return y


def conv(x, kernel, **geometry):
    """Group g of the filters reads group g of the channels only: zeros everywhere else."""
    *size, depth, filters = kernel.shape
    groups = x.shape[-1] // depth
    whole = np.zeros((*size, x.shape[-1], filters))
    for f in range(filters):
        g = f // (filters // groups)
        whole[..., g * depth : (g + 1) * depth, f] = kernel[..., f]
    return sum_windows(x, whole, size, lambda position: whole, **geometry)


def max_pool_with_argmax(x, ksize, strides=None, padding="valid", dilations=1, ceil_mode=False):
    """The first of equal values wins, the last NaN wins over all; empty padding is left out."""
    where, output = windows(x.shape[1:-1], ksize, ksize if strides is None else strides, padding, dilations, ceil_mode)
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


def bins_of(x, output_size):
    """Returns [(position, elements of its bin), ...] and the output's size."""
    spatial = x.shape[1:-1]
    sizes = (output_size,) * len(spatial) if output_size is None else per_axis(output_size, len(spatial))
    sizes = tuple(n if m is None else m for n, m in zip(spatial, sizes))
    boxes = []
    for position in np.ndindex(sizes):
        edges = [range(math.floor(i * s / n), math.ceil((i + 1) * s / n)) for i, s, n in zip(position, spatial, sizes)]
        boxes.append((position, list(itertools.product(*edges))))
    return boxes, sizes


def gabor(ksize, alpha, beta_x, beta_y, frequency, phase, x0, y0, tau, zero_mean=False):
    height, width = ksize = per_axis(ksize, 2)
    filters = np.broadcast_arrays(*(np.atleast_1d(p) for p in (alpha, beta_x, beta_y, frequency, phase, x0, y0, tau)))
    kernel = np.zeros((*ksize, len(filters[0])))
    for row, column, f in np.ndindex(kernel.shape):
        a, bx, by, w, shift, left, up, t = (float(p[f]) for p in filters)
        x, y = column - (width - 1) / 2 - left, row - (height - 1) / 2 - up
        along, across = x * math.cos(t) + y * math.sin(t), y * math.cos(t) - x * math.sin(t)
        envelope = a * math.exp(-bx * along * along - by * across * across)
        kernel[row, column, f] = envelope * math.cos(w * along + shift)
    for f in range(kernel.shape[-1] if zero_mean else 0):
        kernel[..., f] -= sum(kernel[r, c, f] for r, c in np.ndindex(ksize)) / (height * width)
    return kernel


def local_contrast(x, ksize=9, padding="same", sigma=None):
    """(what is left of x without its local mean, the local deviations of that, their mean in each sample)."""
    spatial, channels = x.shape[1:-1], x.shape[-1]
    ksize = per_axis(ksize, len(spatial))
    sigma = tuple(k / 4 for k in ksize) if sigma is None else np.broadcast_to(sigma, len(spatial))

    def mean(z, padding):
        where, output = windows(spatial, ksize, 1, padding)
        y = np.zeros((len(z), *output, 1))
        for position, cells in where:
            total, weights = np.zeros(len(z)), 0.0
            for offset, cell in cells:
                if cell is None:
                    continue
                far = sum(((o - (k - 1) / 2) / s) ** 2 for o, k, s in zip(offset, ksize, sigma))
                for c in range(channels):
                    weights += math.exp(-far / 2)
                    total += math.exp(-far / 2) * z[(slice(None), *cell, c)]
            y[(slice(None), *position, 0)] = total / weights
        return y

    v = x.astype("float64") - mean(x.astype("float64"), "same")
    deviation = np.sqrt(mean(v**2, padding))
    if padding == "valid":
        v = v[(slice(None), *(slice(k // 2, n - k // 2) for k, n in zip(ksize, spatial)))]
    return v, deviation, deviation.mean(tuple(range(1, x.ndim)), keepdims=True)


def local_contrast_normalization(x, **kwargs):
    """Jarrett et al. 2009: divided by the local deviation, but by no less than the sample's mean of it."""
    v, deviation, least = local_contrast(x, **kwargs)
    y = np.zeros(v.shape)
    for b, *cell, c in np.ndindex(y.shape):
        divisor = max(deviation[(b, *cell, 0)], least[b].item())
        y[(b, *cell, c)] = v[(b, *cell, c)] / divisor if divisor > 0 else 0.0
    return y


# Pools, and morphology as pools: `pool_windows` passes each window's elements to a formula.


def pool_windows(fn, x, ksize, strides=None, padding="valid", dilations=1, ceil_mode=False):
    """Returns fn(values, offsets) of each window: values (B, elements, C) in float64, row-major, no padding."""
    where, output = windows(x.shape[1:-1], ksize, ksize if strides is None else strides, padding, dilations, ceil_mode)
    y = np.zeros((len(x), *output, x.shape[-1]))
    for position, cells in where:
        filled = [(offset, cell) for offset, cell in cells if cell is not None]
        values = np.stack([x[(slice(None), *cell)] for _, cell in filled], 1).astype("float64")
        y[(slice(None), *position)] = fn(values, [offset for offset, _ in filled])
    return y


def average_windows(x, weight_of, ksize, *geometry):
    """Averages with weight_of(offset); 0 where only elements without weight are inside the sample."""

    def average(values, offsets):
        weights = [weight_of(offset) for offset in offsets]
        total = sum(w * values[:, i] for i, w in enumerate(weights))
        return total / sum(weights) if sum(weights) > 0 else 0 * total

    return pool_windows(average, x, ksize, *geometry)


def squash(x, axis=-1):
    columns = np.moveaxis(x.astype("float64"), axis, -1)
    y = np.zeros(columns.shape)
    for place in np.ndindex(columns.shape[:-1]):
        length = math.sqrt(sum(v * v for v in columns[place]))
        for i, v in enumerate(columns[place]):
            y[(*place, i)] = length**2 / (1 + length**2) * v / length if length else 0.0
    return np.moveaxis(y, -1, axis)


def route(predictions, bias=None, iterations=3, leaky=False):
    """Procedure 1, one pair of capsules at a time in all samples; the leak is a class of logit 0 in each softmax."""
    u = predictions.astype("float64")
    batch, inputs, outputs, dimension = u.shape
    logits, v = np.zeros((batch, inputs, outputs)), np.zeros((batch, outputs, dimension))
    for _ in range(iterations):
        total = leaky + sum(np.exp(logits[:, :, j]) for j in range(outputs))
        for j in range(outputs):
            s = np.zeros((batch, dimension)) if bias is None else np.tile(bias[j].astype("float64"), (batch, 1))
            for i in range(inputs):
                s += (np.exp(logits[:, i, j]) / total[:, i])[:, None] * u[:, i, j]
            length = np.sqrt(sum(s[:, d] ** 2 for d in range(dimension)))[:, None]
            v[:, j] = s * length / (1 + length**2)
        for i, j in np.ndindex(inputs, outputs):
            logits[:, i, j] += sum(u[:, i, j, d] * v[:, j, d] for d in range(dimension))
    return v


def hadamard(x):
    """The entry at row i and column j is -1 to the number of bits that i and j share."""
    n = x.shape[-1]
    matrix = np.array([[(-1.0) ** (i & j).bit_count() for j in range(n)] for i in range(n)])
    return x.astype("float64") @ matrix

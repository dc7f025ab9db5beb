"""What the ops compute, as NumPy loops written from the formulas: one cell at a time, any rank, float64.

Nothing is shared with kzoo: where kzoo slices whole views, these functions ask each cell of each window where in
the sample it comes from. Arguments are those of the ops.
"""

import itertools
import math
from fractions import Fraction

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


def table_conv(x, kernel, connections, **geometry):
    """Link by link: a convolution of one input map with one plane of the kernel, added to one output map."""
    links = [(f, c) for f, maps in enumerate(connections) for c in maps]
    y = 0
    for link, (f, c) in enumerate(links):
        plane = np.zeros((*kernel.shape[:-1], 1, len(connections)))
        plane[..., 0, f] = kernel[..., link]
        y = y + conv(x[..., c : c + 1], plane, **geometry)
    return y


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
    """(values, indices): the last NaN wins over all, else the first of equal values."""
    boxes, sizes = _bins(x, output_size)
    values = np.zeros((len(x), *sizes, x.shape[-1]), x.dtype)
    indices = np.zeros(values.shape, "int32")
    for position, cells in boxes:
        for b, c in np.ndindex(len(x), x.shape[-1]):
            best = cells[0]
            for cell in cells[1:]:
                value, leader = x[(b, *cell, c)], x[(b, *best, c)]
                if value > leader or np.isnan(value):
                    best = cell
            values[(b, *position, c)] = x[(b, *best, c)]
            indices[(b, *position, c)] = np.ravel_multi_index((*best, c), x.shape[1:])
    return values, indices


def spatially_separable_conv(x, *kernels, **geometry):
    """The kernel that the vectors compose, entry by entry, then the plain sum."""
    size, (depth, filters, terms) = tuple(len(k) for k in kernels), kernels[0].shape[1:]
    whole = np.zeros((*size, depth, filters))
    for *offset, c, f, q in np.ndindex(*whole.shape, terms):
        entry = float(kernels[0][offset[0], c, f, q])
        for kernel, o in zip(kernels[1:], offset[1:]):
            entry *= float(kernel[o, f, q])
        whole[(*offset, c, f)] += entry
    return _weighted(x, whole, size, lambda position: whole, **geometry)


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


def gabor_conv(x, *parameters, ksize, energy=False, zero_mean=False, **geometry):
    """One kernel for all channels; energy: the length of the responses at the phase and a quarter turn on."""

    def response(turn):
        moved = (*parameters[:4], parameters[4] + turn, *parameters[5:])
        kernel = gabor(ksize, *moved, zero_mean=zero_mean)
        kernel = np.stack([kernel] * x.shape[-1], 2)
        return _weighted(x, kernel, kernel.shape[:2], lambda position: kernel, **geometry)

    return np.hypot(response(0), response(math.pi / 2)) if energy else response(0)


def spatial_pyramid_pool(x, bins):
    """The levels one after the other; within one, cells by rows, and channels within a cell."""
    y = [[] for _ in x]
    for n in bins:
        for _, cells in _bins(x, n)[0]:
            for b, c in np.ndindex(len(x), x.shape[-1]):
                y[b].append(max((x[(b, *cell, c)] for cell in cells), key=lambda v: (np.isnan(v), v)))
    return np.array(y, x.dtype).reshape(len(x), -1)


def rbf(x, kernel):
    y = np.zeros((*x.shape[:-1], kernel.shape[1]))
    for *site, unit in np.ndindex(y.shape):
        y[(*site, unit)] = -sum((float(a) - float(b)) ** 2 for a, b in zip(x[tuple(site)], kernel[:, unit]))
    return y


def maxout(x, num_units, axis=-1):
    each = x.shape[axis] // num_units
    columns = np.moveaxis(x, axis, -1)
    y = np.zeros((*columns.shape[:-1], num_units), x.dtype)
    for *place, u in np.ndindex(y.shape):
        y[(*place, u)] = max(columns[(*place, u * each + i)] for i in range(each))
    return np.moveaxis(y, -1, axis)


def channel_lp_pool(x, ksize, strides=None, padding="valid", grid=None, p=2.0, epsilon=0.0):
    """The channels of each cell as an image of their own, row by row."""
    grid = (x.shape[-1],) if grid is None else tuple(grid)
    where, output = windows(grid, ksize, ksize if strides is None else strides, padding)
    y = np.zeros((*x.shape[:-1], math.prod(output)))
    for place in np.ndindex(x.shape[:-1]):
        for u, (_, cells) in enumerate(where):
            values = [abs(float(x[(*place, np.ravel_multi_index(c, grid))])) for _, c in cells if c is not None]
            y[(*place, u)] = max(values) if p == math.inf else (epsilon + sum(v**p for v in values)) ** (1 / p)
    return y


def local_response_normalization(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75, divide_by_size=False):
    y = np.zeros(x.shape)
    for *place, c in np.ndindex(x.shape):
        squares = 0.0
        for i in range(c - depth_radius, c + depth_radius + 1):
            if 0 <= i < x.shape[-1]:
                squares += float(x[(*place, i)]) ** 2
        rate = alpha / (2 * depth_radius + 1) if divide_by_size else alpha
        y[(*place, c)] = float(x[(*place, c)]) / (bias + rate * squares) ** beta
    return y


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


def scaled_tanh(x, amplitude=1.7159, slope=2 / 3):
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        y[place] = amplitude * math.tanh(slope * float(x[place]))
    return y


def polynomial_tanh(x, a, b):
    """One amplitude and polynomial for all, or one a channel."""
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        amplitude = a if a.ndim == 0 else a[place[-1]]
        coefficients = b if b.ndim == 1 else b[:, place[-1]]
        inner = sum(float(coefficient) * float(x[place]) ** i for i, coefficient in enumerate(coefficients))
        y[place] = float(amplitude) * math.tanh(inner)
    return y


# Pools, and morphology as pools: `_pooled` hands each window's cells to a formula.


def _pooled(fn, x, ksize, strides=None, padding="valid", dilations=1):
    """fn(values, offsets) of each window: values (B, cells, C) without empty cells, in float64, row-major."""
    where, output = windows(x.shape[1:-1], ksize, ksize if strides is None else strides, padding, dilations)
    y = np.zeros((len(x), *output, x.shape[-1]))
    for position, cells in where:
        filled = [(offset, cell) for offset, cell in cells if cell is not None]
        values = np.stack([x[(slice(None), *cell)] for _, cell in filled], 1).astype("float64")
        y[(slice(None), *position)] = fn(values, [offset for offset, _ in filled])
    return y


def lp_pool(x, ksize, strides=None, padding="valid", dilations=1, p=2.0, epsilon=0.0):
    def root(values, offsets):
        del offsets
        sizes = np.abs(values)
        return sizes.max(1) if p == math.inf else (epsilon + (sizes**p).sum(1)) ** (1 / p)

    return _pooled(root, x, ksize, strides, padding, dilations)


def _averaged(x, weight_of, ksize, *geometry):
    """Averages with weight_of(offset); 0 where only cells without weight are there."""

    def average(values, offsets):
        weights = [weight_of(offset) for offset in offsets]
        total = sum(w * values[:, i] for i, w in enumerate(weights))
        return total / sum(weights) if sum(weights) > 0 else 0 * total

    return _pooled(average, x, ksize, *geometry)


def weighted_pool(x, weights, strides=None, padding="valid", dilations=1):
    def product(offset):
        return math.prod(float(axis[o]) for axis, o in zip(weights, offset))

    return _averaged(x, product, tuple(map(len, weights)), strides, padding, dilations)


def gaussian_pool(x, ksize, strides=None, padding="valid", dilations=1, sigma=None):
    size = per_axis(ksize, x.ndim - 2)
    sigma = [k / 4 for k in size] if sigma is None else sigma
    sigmas = [sigma] * len(size) if isinstance(sigma, float) else sigma

    def bell(offset):
        return math.exp(-sum((o - (k - 1) / 2) ** 2 / (2 * s * s) for o, k, s in zip(offset, size, sigmas)))

    return _averaged(x, bell, ksize, strides, padding, dilations)


def blur_pool(x, ksize=3, strides=2, padding=None, dilations=1):
    size = per_axis(ksize, x.ndim - 2)
    if padding is None:
        more = [(k - 1) * d for k, d in zip(size, per_axis(dilations, x.ndim - 2))]
        padding = ("reflect", tuple((n // 2, math.ceil(n / 2)) for n in more))

    def binomial(offset):
        return math.prod(math.comb(k - 1, o) for k, o in zip(size, offset))

    return _averaged(x, binomial, ksize, strides, padding, dilations)


def subsample(x, coefficient, ksize=2, strides=None, padding="valid", dilations=1):
    return _pooled(lambda values, offsets: coefficient * values.sum(1), x, ksize, strides, padding, dilations)


def stochastic_pool(x, ksize, strides=None, padding="valid", dilations=1, noise=None):
    """Without noise the mean of what noise would choose: each cell above 0 with a share of its own size."""
    if noise is None:

        def mean(values, offsets):
            del offsets
            a = np.maximum(values, 0)
            total = a.sum(1)
            return (a * a).sum(1) / np.where(total > 0, total, 1)

        return _pooled(mean, x, ksize, strides, padding, dilations)
    where, output = windows(x.shape[1:-1], ksize, ksize if strides is None else strides, padding, dilations)
    y = np.zeros((len(x), *output, x.shape[-1]))
    for position, cells in where:
        for b, c in np.ndindex(len(x), x.shape[-1]):
            a = [max(float(x[(b, *cell, c)]), 0.0) for _, cell in cells if cell is not None]
            aim = float(noise[(b, *position, c)]) * sum(a)
            running = 0.0
            for value in a:
                running += value
                if running > aim:
                    y[(b, *position, c)] = value
                    break
    return y


def fractional_max_pool(x, edges, overlapping=False, widest=2):
    del widest  # a promise about the edges, and no part of the result
    spatial = x.shape[1:-1]
    sizes = tuple(len(axis) - 1 for axis in edges)
    y = np.zeros((len(x), *sizes, x.shape[-1]))
    for position in np.ndindex(sizes):
        ranges = [
            range(axis[i], min(axis[i + 1] + bool(overlapping), n)) for i, axis, n in zip(position, edges, spatial)
        ]
        box = [x[(slice(None), *cell)] for cell in itertools.product(*ranges)]
        y[(slice(None), *position)] = np.max(box, 0)
    return y


def fractional_edges(size, count, samples, pseudo_random=True):
    ratio = Fraction(size, count)
    if pseudo_random:
        samples = Fraction(samples)
        return [math.ceil(ratio * (i + samples)) - math.ceil(ratio * samples) for i in range(count + 1)]
    step = math.floor(ratio)
    larger = sorted(range(count), key=lambda i: samples[i])[: size - count * step]
    edges = [0]
    for i in range(count):
        edges.append(edges[-1] + step + (i in larger))
    return edges


def dilation(x, kernel, strides=1, padding="valid", dilations=1):
    def top(values, offsets):
        return np.max([values[:, i] + kernel[offset] for i, offset in enumerate(offsets)], 0)

    return _pooled(top, x, kernel.shape[:-1], strides, padding, dilations)


def erosion(x, kernel, strides=1, padding="valid", dilations=1):
    size = kernel.shape[:-1]

    def bottom(values, offsets):
        opposite = [tuple(k - 1 - o for k, o in zip(size, offset)) for offset in offsets]
        return np.min([values[:, i] - kernel[o] for i, o in enumerate(opposite)], 0)

    return _pooled(bottom, x, size, strides, padding, dilations)


def squash(x, axis=-1):
    columns = np.moveaxis(x.astype("float64"), axis, -1)
    y = np.zeros(columns.shape)
    for place in np.ndindex(columns.shape[:-1]):
        length = math.sqrt(sum(v * v for v in columns[place]))
        for i, v in enumerate(columns[place]):
            y[(*place, i)] = length**2 / (1 + length**2) * v / length if length else 0.0
    return np.moveaxis(y, -1, axis)


def route(predictions, bias=None, iterations=3):
    """Procedure 1, one sample and one pair of capsules at a time."""
    batch, inputs, outputs, _ = predictions.shape
    result = np.zeros((batch, outputs, predictions.shape[-1]))
    for n, u in enumerate(predictions.astype("float64")):
        logits = np.zeros((inputs, outputs))
        for _ in range(iterations):
            for j in range(outputs):
                s = np.zeros(u.shape[-1]) if bias is None else bias[j].astype("float64")
                for i in range(inputs):
                    s = s + math.exp(logits[i, j]) / sum(math.exp(b) for b in logits[i]) * u[i, j]
                result[n, j] = squash(s)
            for i, j in np.ndindex(inputs, outputs):
                logits[i, j] += float(u[i, j] @ result[n, j])
    return result


def mask_capsules(x, labels=None):
    y = np.zeros(x.shape)
    for n, vectors in enumerate(x.astype("float64")):
        kept = -1 if labels is None else labels[n]
        if kept < 0:
            kept = max(range(len(vectors)), key=lambda j: sum(v * v for v in vectors[j]))
        if kept < len(vectors):
            y[n, kept] = vectors[kept]
    return y


def hadamard(x):
    """The entry at row i and column j is -1 to the number of bits that i and j share."""
    n = x.shape[-1]
    matrix = np.array([[(-1.0) ** (i & j).bit_count() for j in range(n)] for i in range(n)])
    return x.astype("float64") @ matrix


def fastfood(x, scale, gaussian, signs, permutation):
    """As matrices, one block after the other."""
    blocks, d = scale.shape
    filled = np.zeros((*x.shape[:-1], d))
    filled[..., : x.shape[-1]] = x
    h = hadamard(np.eye(d))
    y = []
    for s, g, b, p in zip(scale, gaussian, signs, permutation):
        matrix = np.diag(s) @ h @ np.diag(g) @ np.eye(d)[p] @ h @ np.diag(b) / math.sqrt(d)
        y.append(filled @ matrix.T)
    return np.concatenate(y, -1)


def k_max_pool(x, k):
    """The places are ranked by value, and of equal values by place; the first k are put in order again."""
    y = np.zeros((len(x), k, x.shape[-1]), x.dtype)
    for b, c in np.ndindex(len(x), x.shape[-1]):
        ranked = sorted(range(x.shape[1]), key=lambda i: (-x[b, i, c], i))
        y[b, :, c] = [x[b, i, c] for i in sorted(ranked[:k])]
    return y


def deformable_conv(x, kernel, offsets, mask=None, **geometry):
    """Each cell asks the padded image, which is zero beyond its edges, at a place of its own."""
    size, spatial = kernel.shape[:2], x.shape[1:-1]
    strides, dilations = (per_axis(geometry.get(name, 1), 2) for name in ("strides", "dilations"))
    mode, cells = split_padding(geometry.get("padding", "valid"))
    pairs = [pair_of(cells, i, *axis) for i, axis in enumerate(zip(spatial, size, strides, dilations))]
    _, output = windows(spatial, size, **geometry)
    y = np.zeros((len(x), *output, kernel.shape[-1]))

    def look(sample, row, column):
        place = [source(int(p) - before, n, mode) for p, (before, _), n in zip((row, column), pairs, spatial)]
        inside = all(0 <= p < before + n + after for p, (before, after), n in zip((row, column), pairs, spatial))
        return sample[tuple(place)].astype("float64") if inside and None not in place else np.zeros(x.shape[-1])

    for b, *position in np.ndindex(len(x), *output):
        for i, cell in enumerate(np.ndindex(*size)):
            shift = offsets[(b, *position, slice(2 * i, 2 * i + 2))]
            row, column = (p * s + o * d + float(t) for p, s, o, d, t in zip(position, strides, cell, dilations, shift))
            top, left = math.floor(row), math.floor(column)
            value = 0
            for r, c in itertools.product((top, top + 1), (left, left + 1)):
                value = value + (1 - abs(row - r)) * (1 - abs(column - c)) * look(x[b], r, c)
            weight = 1 if mask is None else float(mask[(b, *position, i)])
            y[(b, *position)] += weight * value @ kernel[cell]
    return y


def foveated_glimpse(x, location, size, scales=3, ratio=2):
    """Each cell of each patch averages samples one cell apart, and each sample asks its four neighbours."""
    size, (batch, height, width, channels) = per_axis(size, 2), x.shape
    y = np.zeros((batch, *size, scales * channels))
    for b, i, j, s in np.ndindex(batch, *size, scales):
        step = ratio**s
        total = np.zeros(channels)
        for u, v in np.ndindex(step, step):
            row = (float(location[b, 0]) + 1) / 2 * (height - 1) + i * step + u - (size[0] * step - 1) / 2
            column = (float(location[b, 1]) + 1) / 2 * (width - 1) + j * step + v - (size[1] * step - 1) / 2
            for r, c in itertools.product(
                (math.floor(row), math.floor(row) + 1), (math.floor(column), math.floor(column) + 1)
            ):
                if 0 <= r < height and 0 <= c < width:
                    total += (1 - abs(row - r)) * (1 - abs(column - c)) * x[b, r, c]
        y[b, i, j, s * channels : (s + 1) * channels] = total / step**2
    return y


def probabilistic_max_pool(x, ksize=2, noise=None):
    """(hidden, pooled): one softmax a block, "none" among the choices; with noise the choice it falls on."""
    size = per_axis(ksize, x.ndim - 2)
    hidden = np.zeros(x.shape)
    pooled = np.zeros((len(x), *(n // k for n, k in zip(x.shape[1:-1], size)), x.shape[-1]))
    for b, *block, c in np.ndindex(pooled.shape):
        cells = [tuple(p * k + o for p, k, o in zip(block, size, offset)) for offset in np.ndindex(*size)]
        values = [float(x[(b, *cell, c)]) for cell in cells]
        top = max(0.0, *values)
        total = math.exp(-top) + sum(math.exp(v - top) for v in values)
        shares = [math.exp(v - top) / total for v in values]
        if noise is not None:
            running = np.cumsum(shares) > noise[(b, *block, c)]
            shares = [float(i == np.argmax(running) and running.any()) for i in range(len(shares))]
        for cell, share in zip(cells, shares):
            hidden[(b, *cell, c)] = share
        pooled[(b, *block, c)] = sum(shares)
    return hidden, pooled


def dynamic_pool(x, assignment, bins=(1,), pooling="average"):
    """Each cell and cluster gathers its own positions."""
    y = [[] for _ in x]
    for n in bins:
        for _, cells in _bins(x, n)[0]:
            for b, p in np.ndindex(len(x), assignment.shape[-1]):
                codes = [x[(b, *cell)].astype("float64") for cell in cells if assignment[(b, *cell, p)] == 1]
                reduce = np.mean if pooling == "average" else np.max
                y[b].append(reduce(codes, 0) if codes else np.zeros(x.shape[-1]))
    return np.array(y).reshape(len(x), -1, assignment.shape[-1], x.shape[-1])


def rectangle_pool(x, grid=4, pooling="max"):
    """Each rectangle gathers its cells; a mean is that of their means."""
    boxes = dict(_bins(x, grid)[0])
    y = []
    for top, bottom in itertools.combinations_with_replacement(range(grid), 2):
        for left, right in itertools.combinations_with_replacement(range(grid), 2):
            parts = []
            for place in itertools.product(range(top, bottom + 1), range(left, right + 1)):
                values = np.stack([x[(slice(None), *cell)].astype("float64") for cell in boxes[place]])
                values = values**2 if pooling == "rms" else values
                parts.append(values.max(0) if pooling == "max" else values.mean(0))
            total = np.max(parts, 0) if pooling == "max" else np.mean(parts, 0)
            y.append(np.sqrt(total) if pooling == "rms" else total)
    return np.stack(y, 1)


def kmeans_features(x, mean, whitening, centroids, ksize, epsilon=10.0, encoding="triangle", **geometry):
    """Each patch is gathered, evened, whitened, and asked how far it is from each centroid; empty cells are 0."""
    where, output = windows(x.shape[1:-1], ksize, **geometry)
    y = np.zeros((len(x), *output, len(centroids)))
    for position, cells in where:
        for b in range(len(x)):
            nothing = np.zeros(x.shape[-1])
            patch = np.concatenate([nothing if cell is None else x[(b, *cell)] for _, cell in cells]).astype("float64")
            even = (patch - patch.mean()) / math.sqrt(((patch - patch.mean()) ** 2).mean() + epsilon)
            white = (even - mean.astype("float64")) @ whitening.astype("float64")
            far = [math.sqrt(((white - centroid) ** 2).sum()) for centroid in centroids.astype("float64")]
            for k, z in enumerate(far):
                nearest = float(k == far.index(min(far)))
                y[(b, *position, k)] = max(0, sum(far) / len(far) - z) if encoding == "triangle" else nearest
    return y

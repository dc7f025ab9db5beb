"""Keras 2's locally connected layers in NumPy: the output of a kernel in each of its three layouts.

Written from Keras 2's definitions, independently of kzoo: the window of output position p starts at pixel p * stride -
before, with before = 0 for "valid" and kernel_size // 2 for Keras 2's "same".
"""

import itertools
import math

import numpy as np


def windows(spatial, size, strides, padding):
    """Yields (output position, slices of the input), with positions in row-major order."""
    before = [k // 2 if padding == "same" else 0 for k in size]
    for position in itertools.product(*map(range, output_size(spatial, size, strides, padding))):
        starts = [p * s - b for p, s, b in zip(position, strides, before)]
        yield position, tuple(slice(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, size, spatial))


def output_size(spatial, size, strides, padding):
    reach = [0 if padding == "same" else k - 1 for k in size]
    return tuple(-(-(n - r) // s) for n, r, s in zip(spatial, reach, strides))


def layout_1(x, size, strides, filters, rng, first):
    """One matrix per position, over the flattened patch (only "valid"): returns kernel, output (B, *output, F)."""
    spatial = x.shape[2:] if first else x.shape[1:-1]
    patches = [
        x[(slice(None), slice(None), *at) if first else (slice(None), *at)]
        for _, at in windows(spatial, size, strides, "valid")
    ]
    kernel = rng.normal(size=(len(patches), patches[0][0].size, filters)).astype("float32")
    y = np.stack([patch.reshape(len(x), -1) @ part for patch, part in zip(patches, kernel)], 1)
    return kernel, y.reshape(len(x), *output_size(spatial, size, strides, "valid"), filters)


def layout_2(x, size, strides, filters, rng, first, padding):
    """A dense matrix and a mask: entries that are masked out are random numbers, which must not matter."""
    spatial = x.shape[2:] if first else x.shape[1:-1]
    output = output_size(spatial, size, strides, padding)
    channels = x.shape[1] if first else x.shape[-1]
    source, target = ((channels, *spatial), (filters, *output)) if first else ((*spatial, channels), (*output, filters))
    kernel = rng.normal(size=source + target).astype("float32")
    mask = linked(spatial, size, strides, padding, channels, filters, first)
    matrix = (kernel * mask).reshape(math.prod(source), math.prod(target))
    y = (x.reshape(len(x), -1) @ matrix).reshape(len(x), *target)
    return kernel, np.moveaxis(y, 1, -1) if first else y


def layout_3(x, size, strides, filters, rng, first, padding):
    """Only the connections, as one vector sorted by (output, input)."""
    spatial = x.shape[2:] if first else x.shape[1:-1]
    channels = x.shape[1] if first else x.shape[-1]
    mask = linked(spatial, size, strides, padding, channels, filters, first)
    target = mask.shape[len(spatial) + 1 :]
    matrix = mask.reshape(-1, math.prod(target)).T.astype("float32")  # output, input
    kernel = rng.normal(size=int(matrix.sum())).astype("float32")
    matrix[matrix > 0] = kernel
    y = (x.reshape(len(x), -1) @ matrix.T).reshape(len(x), *target)
    return kernel, np.moveaxis(y, 1, -1) if first else y


def linked(spatial, size, strides, padding, channels, filters, first):
    """True where an input is connected to an output, in the order of axes of layout 2."""
    output = output_size(spatial, size, strides, padding)
    mask = np.zeros((*spatial, *output), bool)
    for position, at in windows(spatial, size, strides, padding):
        mask[(*at, *position)] = True
    rank = len(spatial)
    c, f = (0, rank + 1) if first else (rank, 2 * rank + 1)
    mask = np.expand_dims(mask, (c, f))
    return np.broadcast_to(mask, tuple({c: channels, f: filters}.get(i, n) for i, n in enumerate(mask.shape)))

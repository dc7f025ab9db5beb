"""Keras 2's locally connected layers in NumPy: an output from a kernel in each of its three forms.

Written from the loops that the forms came from, knowing nothing of kzoo: a window of output position p covers the
cells from p * stride - before, with before = 0 for "valid" and kernel_size // 2 for Keras 2's "same".
"""

import itertools
import math

import numpy as np


def windows(spatial, size, strides, padding):
    """Yield (output position, slices of the input), positions in row-major order."""
    before = [k // 2 if padding == "same" else 0 for k in size]
    for place in itertools.product(*map(range, output_size(spatial, size, strides, padding))):
        starts = [p * s - b for p, s, b in zip(place, strides, before)]
        yield place, tuple(slice(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, size, spatial))


def output_size(spatial, size, strides, padding):
    reach = [0 if padding == "same" else k - 1 for k in size]
    return tuple(-(-(n - r) // s) for n, r, s in zip(spatial, reach, strides))


def form_1(x, size, strides, filters, rng, first):
    """One matrix a position, over the flattened patch ("valid" alone): kernel, output (B, *output, F)."""
    spatial = x.shape[2:] if first else x.shape[1:-1]
    places = list(windows(spatial, size, strides, "valid"))
    patches = [x[(slice(None), slice(None), *at) if first else (slice(None), *at)] for _, at in places]
    kernel = rng.normal(size=(len(places), patches[0][0].size, filters)).astype("float32")
    y = np.stack([patch.reshape(len(x), -1) @ part for patch, part in zip(patches, kernel)], 1)
    return kernel, y.reshape(len(x), *output_size(spatial, size, strides, "valid"), filters)


def form_2(x, size, strides, filters, rng, first, padding):
    """A dense matrix, masked: also where no link is it holds numbers, which must not matter."""
    spatial = x.shape[2:] if first else x.shape[1:-1]
    output = output_size(spatial, size, strides, padding)
    channels = x.shape[1] if first else x.shape[-1]
    source, target = ((channels, *spatial), (filters, *output)) if first else ((*spatial, channels), (*output, filters))
    kernel = rng.normal(size=source + target).astype("float32")
    mask = linked(spatial, size, strides, padding, channels, filters, first)
    matrix = (kernel * mask).reshape(math.prod(source), math.prod(target))
    y = (x.reshape(len(x), -1) @ matrix).reshape(len(x), *target)
    return kernel, np.moveaxis(y, 1, -1) if first else y


def form_3(x, size, strides, filters, rng, first, padding):
    """The links alone, as one vector sorted by (output, input)."""
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
    """True where an input meets an output, in form 2's order of axes."""
    output = output_size(spatial, size, strides, padding)
    mask = np.zeros((*spatial, *output), bool)
    for place, at in windows(spatial, size, strides, padding):
        mask[(*at, *place)] = True
    rank = len(spatial)
    c, f = (0, rank + 1) if first else (rank, 2 * rank + 1)
    mask = np.expand_dims(mask, (c, f))
    return np.broadcast_to(mask, tuple({c: channels, f: filters}.get(i, n) for i, n in enumerate(mask.shape)))

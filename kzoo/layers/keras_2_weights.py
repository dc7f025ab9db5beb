"""Reading the weights of Keras 2's locally connected layers, which kept them in three forms.

Source: the layouts are those of `tf_keras.layers.LocallyConnected1D` and `2D`, implementations 1, 2 and 3.
"""

import itertools
import math

import numpy as np

from kzoo.checks import require


def kernel_from_keras_2(who, values, spatial, shape, window, data_format):
    """A kernel of Keras 2 in kzoo's form `(*output, *kernel_size, C, F)`, which `shape` gives.

    Forms, told apart by their rank: 1. (positions, kernel cells * C, F); 2. dense (*input, C, *output, F);
    3. the non-zero entries of 2 as one vector, sorted by output and input. With channels first the order of axes
    within a form differs. Errors: ValueError if the values have none of these shapes.
    """
    rank = len(spatial)
    output, size, (channels, filters) = shape[:rank], shape[rank : 2 * rank], shape[2 * rank :]
    first = data_format == "channels_first"
    links = list(_links(output, size, spatial, window))
    forms = {
        (math.prod(output), math.prod(size) * channels, filters): 1,
        ((channels, *spatial, filters, *output) if first else (*spatial, channels, *output, filters)): 2,
        (len(links) * channels * filters,): 3,
    }
    expected = f"a kernel of shape {shape}, or one of Keras 2's: " + ", ".join(map(str, forms))
    require(values.shape in forms, who, expected, shape=values.shape)
    form = forms[values.shape]
    if form == 1:
        if first:
            return np.moveaxis(values.reshape(*output, channels, *size, filters), rank, 2 * rank)
        return values.reshape(shape)
    kernel = np.zeros(shape, values.dtype)
    if form == 2:
        for place, offset, source in links:
            at = (slice(None), *source, slice(None), *place) if first else (*source, slice(None), *place, slice(None))
            kernel[place + offset] = values[at]
        return kernel
    places = {place: [offset for _, offset, _ in group] for place, group in itertools.groupby(links, lambda x: x[0])}
    entries = iter(values)
    outer = itertools.product(range(filters), places) if first else ((f, p) for p in places for f in range(filters))
    for f, place in outer:
        cells = [(c, o) for c in range(channels) for o in places[place]]
        for c, offset in cells if first else [(c, o) for o in places[place] for c in range(channels)]:
            kernel[place + offset + (c, f)] = next(entries)
    return kernel


def bias_from_keras_2(values, data_format):
    """A bias (*output, F) of Keras 2 in kzoo's order: with channels first Keras 2 read its cells as (F, *output)."""
    if data_format == "channels_last" or values.ndim == 1:
        return values
    return np.moveaxis(values.reshape(values.shape[-1], *values.shape[:-1]), 0, -1)


def check_same(who, spatial, window):
    """Refuse a window padded by "same" where Keras 2 padded otherwise: k // 2 cells before, whatever the stride."""
    theirs = tuple(
        (k // 2, max((m - 1) * s + k - k // 2 - n, 0))
        for m, n, k, s in zip(window.output(spatial), spatial, window.size, window.strides)
    )
    agree = all(a[0] == b[0] for a, b in zip(theirs, window.pairs(spatial)))
    require(agree, who, f"for these weights padding={theirs}, what 'same' meant in Keras 2", padding="same")


def _links(output, size, spatial, window):
    """Yield (output position, kernel offset, input position) of each link that does not end in the padding."""
    before = [pair[0] for pair in window.pairs(spatial)]
    for place in itertools.product(*map(range, output)):
        for offset in itertools.product(*map(range, size)):
            source = tuple(
                p * s - b + o * d for p, s, b, o, d in zip(place, window.strides, before, offset, window.dilations)
            )
            if all(0 <= cell < n for cell, n in zip(source, spatial)):
                yield place, offset, source

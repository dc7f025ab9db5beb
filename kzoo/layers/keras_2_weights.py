"""Conversion of the weights of Keras 2's locally connected layers, which stored them in three layouts.

Source: `tf_keras.layers.LocallyConnected1D` and `2D`, implementations 1, 2 and 3.
"""

import itertools
import math

import numpy as np

from kzoo.checks import require


def kernel_from_keras_2(who, values, spatial, shape, window, data_format):
    """Returns a kernel of Keras 2 in kzoo's layout `(*output, *kernel_size, C, F)`, whose sizes are `shape`.

    The layouts are recognised by their shapes: 1. (positions, kernel taps * C, F); 2. dense, (*input, C, *output, F);
    3. the non-zero entries of 2 as one vector, sorted by output and input. With channels first the order of axes within
    a layout differs.
    """
    rank = len(spatial)
    output, size, (channels, filters) = shape[:rank], shape[rank : 2 * rank], shape[2 * rank :]
    first = data_format == "channels_first"
    connections = list(_connections(output, size, spatial, window))
    layouts = {
        (math.prod(output), math.prod(size) * channels, filters): 1,
        ((channels, *spatial, filters, *output) if first else (*spatial, channels, *output, filters)): 2,
        (len(connections) * channels * filters,): 3,
    }
    expected = f"a kernel of shape {shape}, or one of Keras 2's: " + ", ".join(map(str, layouts))
    require(values.shape in layouts, who, expected, shape=values.shape)
    layout = layouts[values.shape]
    if layout == 1:
        if first:
            return np.moveaxis(values.reshape(*output, channels, *size, filters), rank, 2 * rank)
        return values.reshape(shape)
    kernel = np.zeros(shape, values.dtype)
    every = slice(None)
    if layout == 2:
        for position, tap, source in connections:
            where = (every, *source, every, *position) if first else (*source, every, *position, every)
            kernel[position + tap] = values[where]
        return kernel
    taps = {key: [tap for _, tap, _ in group] for key, group in itertools.groupby(connections, lambda x: x[0])}
    entries = iter(values)
    outer = itertools.product(range(filters), taps) if first else ((f, p) for p in taps for f in range(filters))
    for f, position in outer:
        inputs = [(c, tap) for c in range(channels) for tap in taps[position]]
        for c, tap in inputs if first else [(c, tap) for tap in taps[position] for c in range(channels)]:
            kernel[position + tap + (c, f)] = next(entries)
    return kernel


def bias_from_keras_2(values, data_format):
    """Returns a bias (*output, F) of Keras 2 in kzoo's order. With channels first Keras 2 read it as (F, *output)."""
    if data_format == "channels_last" or values.ndim == 1:
        return values
    return np.moveaxis(values.reshape(values.shape[-1], *values.shape[:-1]), 0, -1)


def check_same(who, spatial, window):
    """Raises ValueError if padding "same" differs from that of Keras 2."""
    keras_2 = same_of_keras_2(spatial, window)
    require(keras_2 == "same", who, f"for these weights padding={keras_2}, which is 'same' in Keras 2", padding="same")


def same_of_keras_2(spatial, window):
    """Returns Keras 2's "same" as pixels before, k // 2 whatever the stride, and after; "same" where it agrees."""
    pairs = tuple(
        (k // 2, max((m - 1) * s + k - k // 2 - n, 0))
        for m, n, k, s in zip(window.output(spatial), spatial, window.size, window.strides)
    )
    return "same" if all(a[0] == b[0] for a, b in zip(pairs, window.pairs(spatial))) else pairs


def _connections(output, size, spatial, window):
    """Yields (output position, kernel tap, input position) of each connection to a pixel that is not padding."""
    before = [pair[0] for pair in window.pairs(spatial)]
    for position in itertools.product(*map(range, output)):
        for tap in itertools.product(*map(range, size)):
            source = tuple(
                p * s - b + k * d for p, s, b, k, d in zip(position, window.strides, before, tap, window.dilations)
            )
            if all(0 <= i < n for i, n in zip(source, spatial)):
                yield position, tap, source

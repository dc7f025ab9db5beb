"""Compares a layer's declared receptive field with gradients: what an output position really depends on."""

import math

import keras
import numpy as np
import tensorflow as tf

from kzoo.analysis.keras_layers import receptive_field
from kzoo.layers.field import DATA, EXACT, STATUSES
from kzoo.ops.xla import no_islands

SAMPLES = 40  # together they select each of a window's taps, where a layer selects
NOISE = 1e-9  # of the largest gradient: rounding of Fourier transforms


def check_field(layer, x, extra=(), training=None):
    """Nothing outside the declared box has a gradient; if it is exact, its ends along each axis do.

    `x`: an input with SAMPLES samples; `extra`: further inputs. Returns the declared fields.
    """
    inputs = tf.convert_to_tensor(x)
    arguments = {} if training is None else {"training": training}
    with no_islands(), tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        y = layer([inputs, *extra] if extra else inputs, **arguments)
        y = keras.tree.flatten(y)[0]
        first = getattr(layer, "data_format", None) == "channels_first"
        last = tf.cast(tf.experimental.numpy.moveaxis(y, 1, -1) if first and len(y.shape) > 2 else y, "float64")
        weights = np.random.default_rng(1).normal(size=last.shape[-1])
        positions = tf.reduce_sum(last * weights, (0, -1))
        chosen = {index: positions[index] for index in _positions(positions.shape)}
    shapes = [tuple(part.shape) for part in (inputs, *extra)]
    fields = receptive_field(layer, shapes)
    fields = fields[0] if isinstance(fields, list) else fields
    spatial = x.shape[2:] if first else x.shape[1:-1]
    assert len(fields) == len(spatial) and all(field.status in STATUSES for field in fields)
    copies = (getattr(layer, "mode", None) or getattr(getattr(layer, "window", None), "mode", "zeros")) != "zeros"
    inside = 0
    for index, value in chosen.items():
        gradient = np.abs(tape.gradient(value, inputs).numpy())
        gradient = np.moveaxis(gradient, 1, -1) if first else gradient
        touched = gradient.max((0, -1)) > NOISE * gradient.max()
        assert touched.any() or any(field.status == DATA for field in fields) or _sees_nothing(fields, index, spatial)
        boxes = [_box(field, index[axis] if index else 0, n) for axis, (field, n) in enumerate(zip(fields, spatial))]
        within = all(begin >= 0 and end <= n for (begin, end), n in zip(boxes, spatial))
        if copies and not within:
            continue
        for axis, ((begin, end), field) in enumerate(zip(boxes, fields)):
            met = np.flatnonzero(touched.any(tuple(other for other in range(len(fields)) if other != axis)))
            where = f"{type(layer).__name__} at {index} on axis {axis}: {field}, sees {met.tolist()}"
            assert all(begin <= at < end for at in met), f"sees more than it declares: {where}"
            if within and field.status == EXACT and len(met):
                assert (met[0], met[-1] + 1) == (begin, end), f"sees less than it declares: {where}"
                inside += 1
    exact = all(field.status == EXACT for field in fields)
    assert inside or not exact, f"no position to check {layer} at: enlarge the input"
    return fields


def _positions(shape):
    """Some positions, among them the first, the last, and all phases along each axis."""
    count = max(shape, default=0)
    steps = range(count) if len(shape) < 3 else range(0, count, 2)
    found = {tuple(min(step, n - 1) for n in shape) for step in steps}
    return sorted(found | {tuple(n // 2 for n in shape)}) if shape else [()]


def _box(field, position, n):
    if field.size is None:
        return 0, n
    at = position * field.stride
    return math.ceil(at - field.padding), math.floor(at + field.last) + 1


def _sees_nothing(fields, index, spatial):
    """Whether a box lies in padding, or between the taps that a transposed window spreads."""
    boxes = [_box(field, index[axis], n) for axis, (field, n) in enumerate(zip(fields, spatial))]
    return any(end <= 0 or begin >= n or end <= begin for (begin, end), n in zip(boxes, spatial))


def samples(*shape, seed=0):
    """Random float64 inputs."""
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape))

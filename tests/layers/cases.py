"""What the test cases of layers are made of: arguments, inputs, and whether spatial sizes may be unknown.

Each layer's test file defines its cases in `LAYER_CASES`, by the names of the classes; `tests.collect` finds them all.
"""

import itertools
from typing import Any, NamedTuple

import keras
import numpy as np


class Case(NamedTuple):
    """The test case of one layer; `inputs` is an array, or a list of them for a layer with several inputs."""

    kwargs: dict
    inputs: Any
    free: bool = True  # whether spatial sizes may be unknown, as no weight depends on them

    @property
    def arrays(self):
        return list(self.inputs) if isinstance(self.inputs, list) else [self.inputs]


SHAPES = {1: (2, 11, 2), 2: (2, 7, 8, 2), 3: (2, 5, 4, 6, 2)}  # odd and even sizes, two samples, two channels
POOL = {"pool_size": 3, "strides": 2, "padding": "same"}  # overlapping windows


def noise(*shape, seed=0):
    """Returns distinct float32 values around zero."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def objective(outputs):
    """Returns a scalar that depends on every entry of the floating-point outputs, each with its own factor."""
    parts = [y for y in keras.tree.flatten(outputs) if "float" in keras.backend.standardize_dtype(y.dtype)]
    return sum(keras.ops.sum(y * noise(*y.shape, seed=3)) for y in parts)


def pool_inputs(x):
    """Returns the inputs of `MaxUnpooling(**POOL)`: x pooled by loops over samples, windows and channels."""
    spatial, channels = x.shape[1:-1], x.shape[-1]
    output = tuple(-(-n // 2) for n in spatial)
    values, indices = np.zeros((len(x), *output, channels), "float32"), np.zeros((len(x), *output, channels), "int32")
    before = [max((m - 1) * 2 + 3 - n, 0) // 2 for n, m in zip(spatial, output)]
    for at in itertools.product(range(len(x)), *map(range, output), range(channels)):
        b, *position, c = at
        window = tuple(slice(max(p * 2 - q, 0), min(p * 2 - q + 3, n)) for p, q, n in zip(position, before, spatial))
        patch = x[(b, *window, c)]
        argmax = np.unravel_index(patch.argmax(), patch.shape)
        source = tuple(part.start + i for part, i in zip(window, argmax))
        values[at], indices[at] = patch.max(), np.ravel_multi_index((*source, c), (*spatial, channels))
    return values, indices

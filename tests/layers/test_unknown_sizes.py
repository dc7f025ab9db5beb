"""Layers built for unknown sizes accept and refuse inputs as those built for known sizes do."""

import inspect
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers, ops
from kzoo.checks import Refusal
from tests.collect import collect
from tests.layer_checks import free_shape, symbols

CASES = {name: case for name, case in collect("LAYER_CASES").items() if case.free}
SIZES = (1, 2, 3)
# settings that refuse small inputs, for the layers that have them
STRICT = {"padding": "valid", "pooling_ratio": 2.5, "strides": 1}


def resized(case, size):
    return keras.tree.map_structure(
        lambda x: np.zeros((2, *(size,) * (x.ndim - 2), *x.shape[-1:]), x.dtype) if x.ndim > 2 else x, case.inputs
    )


def shapes(layer, inputs):
    """Returns the shapes of the outputs, or None if the layer refuses the inputs."""
    try:
        return [tuple(y.shape) for y in keras.tree.flatten(layer(inputs))]
    except Refusal:
        return None


@pytest.mark.parametrize("name", CASES)
def test_sizes_are_checked_when_they_are_known(name):
    cls, case = getattr(layers, name), CASES[name]
    parameters = set() if name.startswith("Padding") else set(inspect.signature(cls.__init__).parameters)
    strict = {key: STRICT[key] for key in STRICT.keys() & parameters}
    for kwargs in (case.kwargs, {**case.kwargs, **strict}):
        layer = cls(**kwargs)
        layer(symbols(case.inputs, known=False))
        for size in SIZES:
            inputs = resized(case, size)
            known = keras.tree.map_structure(
                lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name, batch_size=2), inputs
            )
            with ops.no_islands():
                assert shapes(layer, inputs) == shapes(cls(**kwargs), known), (size, kwargs)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.large) if name.endswith("3D") else name for name in CASES]
)
def test_sizes_are_checked_when_a_graph_runs(name):
    """A graph traced with unknown sizes refuses, in the same words, what is refused where sizes are known."""
    cls, case = getattr(layers, name), CASES[name]
    parameters = set() if name.startswith("Padding") else set(inspect.signature(cls.__init__).parameters)
    layer = cls(**{**case.kwargs, **{key: STRICT[key] for key in STRICT.keys() & parameters}})
    layer(symbols(case.inputs, known=False))
    free = keras.tree.map_structure(lambda x: tf.TensorSpec(free_shape(x, False), x.dtype), case.inputs)
    traced, compiled = (tf.function(layer, [free], autograph=False, jit_compile=jit) for jit in (False, True))
    for size in (1, 3):
        inputs = resized(case, size)
        with ops.no_islands():
            try:
                wanted = [tuple(y.shape) for y in keras.tree.flatten(layer(inputs))]
            except Refusal as refusal:
                with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                    traced(inputs)
                words = re.search(r"\w+ expects .*\.", re.sub(r"\x1b\[\d*m", "", str(refusal))).group()
                assert words in str(caught.value).replace("\\'", "'")
                with pytest.raises(tf.errors.InvalidArgumentError, match="_refuses_this_size"):
                    compiled(inputs)
            else:
                assert [tuple(y.shape) for y in keras.tree.flatten(traced(inputs))] == wanted

"""Conversion of weights in legacy .h5 files, for Keras's own `model.load_weights` too."""

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from kzoo.checks import Refusal
from kzoo.types import Tensor


def own_values(layer: Any, variables: Sequence[Tensor], values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the stored values of a layer's variables, each converted by the layer within it that has `own_weights`.

    variables: of a layer or model, in the order of the values.
    """
    converted = list(values)
    positions = {id(variable): position for position, variable in enumerate(variables)}
    for inner in layer._flatten_layers() if len(converted) == len(positions) else ():
        if hasattr(inner, "own_weights"):
            found = [positions[id(weight)] for weight in inner.weights if id(weight) in positions]
            for position, value in zip(found, inner.own_weights([converted[position] for position in found])):
                converted[position] = value
    return converted


def convert_in_load_weights() -> None:
    """Makes Keras convert the weights of legacy .h5 files by `own_values`.

    Keras asks layers to read the weights of its newer formats (`load_own_variables`), but sets those of legacy files
    itself. The function that does so is therefore wrapped. It is private: where it is missing, nothing is changed.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from keras.src.legacy.saving import legacy_h5_format as keras_h5

        set_as_stored = keras_h5._set_weights

        @functools.wraps(set_as_stored)
        def set_converted(instance, symbolic_weights, weight_values, name, skip_mismatch=False):
            try:
                weight_values = own_values(instance, symbolic_weights, weight_values)
            except Refusal:
                if not skip_mismatch:
                    raise
            return set_as_stored(instance, symbolic_weights, weight_values, name=name, skip_mismatch=skip_mismatch)

        keras_h5._set_weights = set_converted

"""Models of signals, images or volumes, computed on channels-last NumPy arrays whatever their data format is."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import checked_inputs, input_shape
from kzoo.analysis.walk import before_softmax, channels_first, inner_path, outputs_at, run
from kzoo.checks import require
from kzoo.models.layer_paths import find_path


class SpatialModel:
    """A model with one input that has 1 to 3 spatial axes; its methods take and return channels-last arrays.

    who: the analysis that messages name.
    """

    def __init__(self, who: str, model: keras.Model):
        shape = input_shape(who, model)
        self.who, self.model, self.first = who, model, channels_first(model)
        self.shape = (shape[0], *shape[2:], shape[1]) if self.first else tuple(shape)
        self.rank = len(shape) - 2

    def checked(self, inputs: Any, any_size: bool = False) -> np.ndarray:
        """Returns a model's inputs as a channels-last array of floats; refuses arrays that do not fit.

        any_size: whether spatial sizes other than the model's are accepted.
        """
        free, channels = (None,) * self.rank, self.shape[-1]
        shape = ((None, channels, *free) if self.first else (None, *free, channels)) if any_size else None
        x = checked_inputs(self.who, self.model, inputs, shape)
        return np.moveaxis(x, 1, -1) if self.first else x

    def path(self, layer: Any) -> str:
        """Returns the path of a layer, found by path or by the end of a path that only one has."""
        return inner_path(self.model, find_path(self.model, "layer", layer))

    def outputs_at(self, x: np.ndarray, layers: Sequence[str]) -> list[np.ndarray]:
        """Returns the outputs of layers, those with spatial axes channels last."""
        outputs = [keras.ops.convert_to_numpy(y) for y in outputs_at(self.model, self.given(x), layers)]
        outputs = [y if y.dtype in ("float32", "float64") else y.astype("float32") for y in outputs]
        return [np.moveaxis(y, 1, -1) if self.first and y.ndim > 2 else y for y in outputs]

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Returns the probabilities (B, classes): the first output if it is a softmax, or else the softmax of it."""
        logits = run(self.model, self.given(x), before_softmax(self.model))[0]
        require(len(logits.shape) == 2, self.who, "a model of classes, (batch, classes)", output_shape=logits.shape)
        return keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.cast(logits, "float32")))

    def given(self, x: np.ndarray) -> np.ndarray:
        """Returns channels-last inputs in the model's data format."""
        return np.moveaxis(x, -1, 1) if self.first else x

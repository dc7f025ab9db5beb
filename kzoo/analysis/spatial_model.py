"""Models of signals, images or volumes, computed on channels-last NumPy arrays whatever their data format is."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from kzoo.analysis.walk import before_softmax, channels_first, inner_path, outputs_at, run
from kzoo.checks import is_integer, require
from kzoo.models.graph import is_graph
from kzoo.models.layer_paths import find_path


class SpatialModel:
    """A model with one input that has 1 to 3 spatial axes; its methods take and return channels-last arrays.

    who: the analysis that messages name.
    """

    def __init__(self, who: str, model: keras.Model):
        require(is_graph(model), who, "a functional or built Sequential model", model=type(model).__name__)
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        one = len(shapes) == 1 and 3 <= len(shapes[0]) <= 5
        require(one, who, "a model of one input with 1 to 3 spatial axes", input_shapes=shapes)
        self.who, self.model, self.first = who, model, channels_first(model)
        self.shape = shapes[0] if not self.first else (shapes[0][0], *shapes[0][2:], shapes[0][1])
        self.rank = len(self.shape) - 2

    def checked(self, inputs: Any, any_size: bool = False) -> np.ndarray:
        """Returns a model's inputs as a channels-last array of floats; refuses arrays that do not fit.

        `any_size`: spatial sizes other than the model's are accepted.
        """
        x = np.asarray(inputs)
        size = "any size" if any_size else "the model's size"
        expected = f"inputs, numbers (batch, ...) of {size}, {self.model.inputs[0].shape}, at least one example"
        numeric = np.issubdtype(x.dtype, np.number) and not np.issubdtype(x.dtype, np.complexfloating)
        fits = numeric and x.ndim == len(self.shape) and x.size > 0
        require(fits, self.who, expected, inputs=f"{x.dtype}{x.shape}")
        x = np.moveaxis(x, 1, -1) if self.first else x
        checked = [self.rank + 1] if any_size else range(1, self.rank + 2)
        fits = all(self.shape[axis] in (None, x.shape[axis]) for axis in checked)
        require(fits, self.who, expected, inputs=f"{x.dtype}{np.shape(inputs)}")
        return x if x.dtype in ("float32", "float64") else x.astype("float32")

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


def batches(who: str, x: np.ndarray, batch_size: Any) -> Iterator[np.ndarray]:
    """Yields x in parts of at most `batch_size` examples."""
    require(is_integer(batch_size, least=1), who, "batch_size, an integer above 0", batch_size=batch_size)
    yield from (x[start : start + batch_size] for start in range(0, len(x), batch_size))

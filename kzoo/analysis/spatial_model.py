"""Models of signals, images or volumes, computed on channels-last NumPy arrays whatever their data format is."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kzoo.analysis.model_inputs import Inputs, as_arrays, batches, fits, input_index
from kzoo.analysis.units import class_of
from kzoo.analysis.walk import before_softmax, channels_first, inner_path, last_path, outputs_at, run
from kzoo.checks import require
from kzoo.models.graph import check_graph
from kzoo.models.layer_paths import find_path


class SpatialModel:
    """A model of which an analysis is about one input of floats with 1 to 3 spatial axes: of several, the first that
    the layers depend on.

    who: the analysis that messages name; layers: found by path or by the end of a path that only one has, by default
    the one that computes the first output. `paths` are those of the layers, `index` is that of the input, and `shape`
    its shape with the channels last. Methods return channels-last arrays.
    ValueError for other models and inputs, and for layers that depend on no input in common.
    """

    def __init__(self, who: str, model: keras.Model, layers: Sequence[Any] = ()):
        check_graph(who, model)
        self.who, self.model, self.first = who, model, channels_first(model)
        self.paths = [inner_path(model, find_path(model, "layer", layer)) for layer in layers]
        self.index = input_index(who, model, self.paths or [last_path(model)])
        shape, dtype = tuple(model.inputs[self.index].shape), model.inputs[self.index].dtype
        require(3 <= len(shape) <= 5, who, "a model whose input has 1 to 3 spatial axes", input_shape=shape)
        require("float" in dtype, who, "a model whose input is floating", input_dtype=dtype)
        self.shape = (shape[0], *shape[2:], shape[1]) if self.first else shape
        self.rank = len(shape) - 2

    def checked(self, inputs: Any, any_size: bool = False) -> Inputs:
        """Returns the model's inputs, of which that of the analysis becomes float32; refuses arrays that do not fit.

        inputs: an array (batch, ...), or a list of them, one for each input of the model.
        any_size: whether spatial sizes other than the model's are accepted.
        """
        shapes = [tuple(symbol.shape) for symbol in self.model.inputs]
        if any_size:
            free, channels = (None,) * self.rank, self.shape[-1]
            shapes[self.index] = (None, channels, *free) if self.first else (None, *free, channels)
        arrays = as_arrays(self.model, inputs)
        good = fits(arrays, shapes) and len({len(x) for x in arrays}) == 1
        good = good and all(x.size and x.dtype.kind in "biuf" for x in arrays)
        expected = f"inputs, an array of numbers of shape (batch, ...) = {shapes[0]} that is not empty"
        if len(shapes) > 1:
            expected = f"inputs, arrays of numbers of as many examples and shapes (batch, ...) = {shapes}, not empty"
        received: dict[str, Any] = {"shape": [x.shape for x in arrays], "dtype": [x.dtype.name for x in arrays]}
        if len(arrays) == 1:
            received = {name: values[0] for name, values in received.items()}
        require(good, self.who, expected, **received)
        arrays[self.index] = arrays[self.index].astype("float32")
        for x in arrays:
            require(np.isfinite(x).all(), self.who, "inputs that are finite", inputs=x)
        return Inputs(arrays, self.index, self.first)

    def outputs_at(self, inputs: Inputs, paths: Sequence[str]) -> list[np.ndarray]:
        """Returns the outputs of layers, those with spatial axes channels last."""
        outputs = [keras.ops.convert_to_numpy(y) for y in outputs_at(self.model, inputs.arrays, paths)]
        outputs = [y if y.dtype in ("float32", "float64") else y.astype("float32") for y in outputs]
        return [np.moveaxis(y, 1, -1) if self.first and y.ndim > 2 else y for y in outputs]

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Returns the probabilities (B, classes): the first output if it is a softmax, or else the softmax of it."""
        logits = run(self.model, inputs.arrays, before_softmax(self.model))[0]
        require(len(logits.shape) == 2, self.who, "a model of classes, (batch, classes)", output_shape=logits.shape)
        return self._finite(keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.cast(logits, "float32"))))

    def first_output(self, inputs: Inputs) -> np.ndarray:
        """Returns the model's first output (B, classes), or numbers or labels instead of classes, in float32."""
        y = run(self.model, inputs.arrays)[0]
        require(len(y.shape) == 2, self.who, "a model whose first output is (batch, classes)", output_shape=y.shape)
        return self._finite(keras.ops.convert_to_numpy(y).astype("float32"))

    def class_outputs(self, inputs: Inputs, class_index: Any, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the classes (batch,), by default the most probable, and what the model's first output is of them."""
        outputs = np.concatenate([self.first_output(batch) for batch in batches(self.who, inputs, batch_size)])
        classes = keras.ops.convert_to_numpy(class_of(self.who, outputs, class_index))
        return classes, outputs[np.arange(len(outputs)), classes]

    def _finite(self, outputs: np.ndarray) -> np.ndarray:
        require(np.isfinite(outputs).all(), self.who, "a model whose outputs are finite", model=self.model.name)
        return outputs

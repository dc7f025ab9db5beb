"""Inputs that analyses give to a model, checked and in batches, and what the model outputs of one class."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.analysis.units import class_of
from kzoo.analysis.walk import run
from kzoo.checks import is_integer, require
from kzoo.models.graph import is_graph
from kzoo.types import Shape


def input_shape(who: str, model: keras.Model) -> Shape:
    """Returns the shape of a model's input, (None, ...).

    ValueError unless the model is a graph of layers with one input of floats that has 1 to 3 spatial axes.
    """
    require(is_graph(model), who, "a functional or built Sequential model", model=type(model).__name__)
    require(len(model.inputs) == 1, who, "a model of one input", model_inputs=len(model.inputs))
    shape, dtype = tuple(model.inputs[0].shape), model.inputs[0].dtype
    require(3 <= len(shape) <= 5, who, "a model whose input has 1 to 3 spatial axes", input_shape=shape)
    require("float" in dtype, who, "a model whose input is floating", input_dtype=dtype)
    return shape


def checked_inputs(who: str, model: keras.Model, inputs: Any, shape: Shape | None = None) -> np.ndarray:
    """Returns a model's inputs as an array (batch, ...) of floats.

    shape: what the inputs must fit instead of the model's input; None fits any size.
    ValueError as `input_shape`, and for inputs that do not fit.

    >>> model = keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(2, 3)])
    >>> checked_inputs("an analysis", model, [[[0]] * 8]).shape
    (1, 8, 1)
    """
    wanted = input_shape(who, model) if shape is None else shape
    array = np.asarray(inputs)
    expected = f"inputs, an array of numbers of shape (batch, ...) = {tuple(wanted)} that is not empty"
    fits = array.ndim == len(wanted) and all(n in (None, size) for n, size in zip(wanted[1:], array.shape[1:]))
    require(
        fits and array.size and array.dtype.kind in "biuf", who, expected, shape=array.shape, dtype=array.dtype.name
    )
    array = array.astype("float32")
    require(np.isfinite(array).all(), who, "inputs that are finite", inputs=array)
    return array


def batches(who: str, inputs: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Returns an iterator over the inputs, `batch_size` at a time.

    >>> [batch.tolist() for batch in batches("an analysis", np.arange(5), 3)]
    [[0, 1, 2], [3, 4]]
    """
    require(is_integer(batch_size, least=1), who, "batch_size, an integer above 0", batch_size=batch_size)
    return (inputs[start : start + batch_size] for start in range(0, len(inputs), batch_size))


def class_outputs(
    who: str, model: keras.Model, inputs: np.ndarray, class_index: Any, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the classes (batch,), by default the most probable, and what the model's first output is of them."""
    parts = [ops.convert_to_numpy(run(model, batch)[0]) for batch in batches(who, inputs, batch_size)]
    outputs = np.concatenate(parts).astype("float32")
    require(outputs.ndim == 2, who, "a model whose first output is (batch, classes)", output_shape=outputs.shape)
    classes = ops.convert_to_numpy(class_of(outputs, class_index))
    return classes, outputs[np.arange(len(outputs)), classes]


def name_of_outputs(outputs: np.ndarray) -> str:
    """Returns what pictures call a model's outputs: "probability" if all are from 0 to 1, or else "output"."""
    return "probability" if ((outputs >= 0) & (outputs <= 1)).all() else "output"

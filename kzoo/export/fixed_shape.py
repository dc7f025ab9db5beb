"""Gives the inputs of a model a fixed batch size and size before it is exported, and fills batches to that size."""

import random

import numpy as np

from kzoo.checks import Refusal, is_integer, one_line, require


def fix_input_shape(model, batch_size=None, size=None):
    """Returns `model`, or a copy with the same weights whose inputs have a fixed batch size, size or both.

    batch_size: the number of examples in a batch, or None to keep that of the model; size: a number for each unknown
    side of the inputs, such as (height, width), or None to keep these unknown.
    Raises Refusal if the size does not fit, or if the model cannot be built for it.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3)])
    >>> fix_input_shape(model, 4, (8, 9)).output_shape
    (4, 6, 7, 2)
    """
    inputs = getattr(model, "inputs", None)  # `check_exportable` refuses models without inputs
    if (batch_size is None and size is None) or not inputs:
        return model
    valid = batch_size is None or is_integer(batch_size, 1)
    require(valid, "export", "batch_size, an integer above 0, or None", batch_size=batch_size)
    if size is not None:
        _check_size(size, [tuple(tensor.shape[1:]) for tensor in inputs])
    config = model.get_config()
    for layer in config["layers"]:  # not those of models inside the model
        if layer["class_name"] == "InputLayer":
            first, *sides = layer["config"]["batch_shape"]
            numbers = iter(() if size is None else size)
            sides = [next(numbers, None) if n is None else n for n in sides]
            layer["config"]["batch_shape"] = (first if batch_size is None else int(batch_size), *sides)
    state = random.getstate()  # initial weights, which are replaced below, draw seeds
    try:
        fixed = type(model).from_config(config)
    except (TypeError, ValueError) as error:
        fixed = f"batch_size={batch_size}, size={size}"
        raise Refusal(f"export of {model.name}: it cannot be built for {fixed}: {one_line(error, 300)}") from error
    finally:
        random.setstate(state)
    fixed.set_weights(model.get_weights())
    return fixed


def _check_size(size, shapes):
    """Raises Refusal unless `size` has a number for each unknown side of the shapes."""
    valid = isinstance(size, list | tuple) and all(is_integer(n, 1) for n in size)
    require(valid, "export", "size, integers above 0, or None", size=size)
    unknown = [shape for shape in shapes if None in shape]
    require(unknown, "export", f"no size for a model that takes {shapes[0]}", size=size)
    for shape in unknown:
        count = shape.count(None)
        require(len(size) == count, "export", f"size with {count} numbers, for inputs of {shape}", size=size)


def takes_examples(tensor, examples):
    """Returns whether examples (N, ...) have the shape that an input of a model takes."""
    shape, received = tensor.shape[1:], np.shape(examples)[1:]
    return len(shape) == len(received) and all(known in (None, n) for known, n in zip(shape, received))


def fill_batch(examples, batch_size):
    """Returns a batch of `batch_size` examples: those given, repeated as often as needed.

    >>> fill_batch(np.array([[1, 2], [3, 4]]), 3).tolist()
    [[1, 2], [3, 4], [1, 2]]
    """
    return np.resize(examples, (batch_size, *np.shape(examples)[1:]))

"""Gives the inputs of a model a fixed batch size before it is exported, and fills batches to that size."""

import numpy as np

from kzoo.checks import is_integer, require


def fix_input_shape(model, batch_size=None):
    """Returns `model`, or a copy with the same weights whose inputs have a fixed batch size.

    batch_size: the number of examples in a batch, or None to keep that of the model.

    >>> import keras
    >>> fix_input_shape(keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()]), 4).output_shape
    (4, 64)
    """
    if batch_size is None or not getattr(model, "inputs", None):  # `check_exportable` refuses models without inputs
        return model
    require(is_integer(batch_size, 1), "export", "batch_size, an integer above 0, or None", batch_size=batch_size)
    config = model.get_config()
    for layer in config["layers"]:  # not those of models inside the model
        if layer["class_name"] == "InputLayer":
            layer["config"]["batch_shape"] = (int(batch_size), *layer["config"]["batch_shape"][1:])
    fixed = type(model).from_config(config)
    fixed.set_weights(model.get_weights())
    return fixed


def fill_batch(examples, batch_size):
    """Returns a batch of `batch_size` examples: those given, repeated as often as needed.

    >>> fill_batch(np.array([[1, 2], [3, 4]]), 3).tolist()
    [[1, 2], [3, 4], [1, 2]]
    """
    return np.resize(examples, (batch_size, *np.shape(examples)[1:]))

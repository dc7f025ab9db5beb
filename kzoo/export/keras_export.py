"""Calls Keras's own export, with kzoo's XLA compilation and the converters' messages turned off."""

import keras
import tensorflow as tf

from kzoo.ops.xla import no_islands
from kzoo.terminal import quiet


def input_specs(model):
    """Returns TensorSpecs of the model's inputs, nested like `model.input`."""
    return keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype, t.name), model.input)


def output_names(model):
    """Returns the names of a model's outputs in order: the keys of a dict, or the names of their layers.

    Names of which there are several are numbered.

    >>> x = keras.Input((2,))
    >>> pair = keras.layers.Dense(1, name="pair")
    >>> output_names(keras.Model(x, [pair(x), keras.layers.Flatten(name="flat")(x), pair(x)]))
    ['pair', 'flat', 'pair_1']
    """
    if isinstance(model.output, dict) and len(model.output) == len(model.outputs):
        return sorted(model.output)  # as Keras flattens a dict
    names: list[str] = []
    for name in model.output_names:
        numbered = (f"{name}_{number}" for number in range(1, len(model.outputs)))
        names.append(name if name not in names else next(each for each in numbered if each not in names))
    return names


def keras_export(model, path, format, **settings):
    """Calls `model.export` for inputs of the model's own shapes."""
    with no_islands(), quiet():
        model.export(str(path), format=format, input_signature=[input_specs(model)], verbose=False, **settings)

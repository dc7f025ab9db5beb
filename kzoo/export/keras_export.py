"""Calls Keras's own export, with kzoo's XLA compilation and the converters' messages turned off."""

import keras
import tensorflow as tf

from kzoo.ops.xla import no_islands
from kzoo.terminal import quiet


def input_specs(model):
    """Returns TensorSpecs of unknown batch size, nested like `model.input`."""
    return keras.tree.map_structure(lambda t: tf.TensorSpec((None, *t.shape[1:]), t.dtype, t.name), model.input)


def keras_export(model, path, format, **settings):
    """Calls `model.export` for batches of any size."""
    with no_islands(), quiet():
        model.export(str(path), format=format, input_signature=[input_specs(model)], verbose=False, **settings)

"""Adapts layers to data before training: statistics and dictionaries, without back-propagation."""

from collections.abc import Sequence

import keras

from kzoo.checks import require
from kzoo.models.layer_paths import layer_paths, tensors_at
from kzoo.types import Tensor

GIVEN = ("mean", "bin_boundaries", "vocabulary")  # arguments of Keras's layers that give what `adapt` would compute


def adapt(model: keras.Model, data: Tensor, skip: Sequence[str] = ()) -> keras.Model:
    """Calls `adapt` of each layer that has it, in order, with the layer's inputs for `data`; returns the model.

    Layers of models that `model` holds are adapted too. Layers that already have statistics keep them, and so do those
    named in `skip`. Refuses a model of several inputs, and a layer to adapt that is called several times.
    Shapes: data, an array (N, *input_shape) or a `tf.data.Dataset` of batches of such arrays.

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Normalization()])
    >>> adapt(model, np.float32([[1], [3]]))(np.float32([[5]])).numpy().item()
    3.0
    """
    adaptable = {
        path: layer for path, layer in layer_paths(model).items() if learns_statistics(layer) and layer.name not in skip
    }
    require(not adaptable or len(model.inputs) == 1, "adapt", "a model of one input", inputs=len(model.inputs))
    for path, layer in adaptable.items():
        before = keras.Model(model.inputs, *tensors_at(model, "layer", [path], "inputs"))
        if hasattr(data, "map"):
            layer.adapt(data.map(lambda x, before=before: before(x)))
        else:
            layer.adapt(before.predict(data, verbose=0))
    return model


def learns_statistics(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer has an `adapt` method, and no argument that gives what this would compute.

    >>> [learns_statistics(keras.layers.Normalization(**given)) for given in ({}, {"mean": 1.0, "variance": 4.0})]
    [True, False]
    """
    return hasattr(layer, "adapt") and all(layer.get_config().get(name) is None for name in GIVEN)

"""Adapts layers to data before training: statistics and dictionaries, without back-propagation."""

from collections.abc import Sequence

import keras

from kzoo.checks import require
from kzoo.models.layer_paths import layer_paths, tensors_at
from kzoo.types import Tensor


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
        path: layer
        for path, layer in layer_paths(model).items()
        if hasattr(layer, "adapt") and layer.name not in skip and getattr(layer, "input_mean", None) is None
    }
    require(not adaptable or len(model.inputs) == 1, "adapt", "a model of one input", inputs=len(model.inputs))
    for path, layer in adaptable.items():
        before = keras.Model(model.inputs, *tensors_at(model, "layer", [path], "inputs"))
        if hasattr(data, "map"):
            layer.adapt(data.map(lambda x, before=before: before(x)))
        else:
            layer.adapt(before.predict(data, verbose=0))
    return model

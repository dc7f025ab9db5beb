"""Adapts layers to data before training: statistics and dictionaries, without back-propagation."""

from collections.abc import Sequence

import keras

from kzoo.checks import require
from kzoo.types import Tensor


def adapt(model: keras.Model, data: Tensor, skip: Sequence[str] = ()) -> keras.Model:
    """Calls `adapt` of each layer that has it, in order, with the layer's inputs for `data`; returns the model.

    Layers that already have statistics keep them, and so do those named in `skip`. Refuses a model of several inputs.
    Shapes: data, an array (N, *input_shape) or a `tf.data.Dataset` of batches of such arrays.

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Normalization()])
    >>> adapt(model, np.float32([[1], [3]]))(np.float32([[5]])).numpy().item()
    3.0
    """
    adaptable = [layer for layer in model.layers if hasattr(layer, "adapt") and layer.name not in skip]
    adaptable = [layer for layer in adaptable if getattr(layer, "input_mean", None) is None]
    require(not adaptable or len(model.inputs) == 1, "adapt", "a model of one input", inputs=len(model.inputs))
    for layer in adaptable:
        before = keras.Model(model.inputs, layer.input)
        if hasattr(data, "map"):
            layer.adapt(data.map(lambda x, before=before: before(x)))
        else:
            layer.adapt(before.predict(data, verbose=0))
    return model

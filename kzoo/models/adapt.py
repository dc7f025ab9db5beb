"""Learning without back-propagation: statistics and dictionaries that layers take from the data before training.

Source: none; `adapt` is that of Keras's preprocessing layers.
"""

import keras

from kzoo.checks import require


def adapt(net, data, skip=()):
    """Let each layer of a model that has an `adapt` learn from what comes to it of `data`, in order; returns the model.

    Layers with statistics of their own keep them, and so do those named in `skip`.
    Shapes: data, an array (N, *input_shape) or a `tf.data.Dataset` of batches of such, of a model with one input.
    Errors: ValueError for a model of several inputs, and whatever a layer refuses.

    >>> import numpy as np
    >>> net = keras.Sequential([keras.Input((1,)), keras.layers.Normalization()])
    >>> adapt(net, np.float32([[1], [3]]))(np.float32([[5]])).numpy().item()
    3.0
    """
    learning = [layer for layer in net.layers if hasattr(layer, "adapt") and layer.name not in skip]
    learning = [layer for layer in learning if getattr(layer, "input_mean", None) is None]
    require(not learning or len(net.inputs) == 1, "adapt", "a model of one input", inputs=len(net.inputs))
    for layer in learning:
        before = keras.Model(net.inputs, layer.input)
        if hasattr(data, "map"):
            layer.adapt(data.map(lambda x, before=before: before(x)))
        else:
            layer.adapt(before.predict(data, verbose=0))
    return net

"""Freezes the first layers of a model, so that only the later ones are trained on other data.

Source: Yosinski, Clune, Bengio & Lipson 2014, "How transferable are features in deep neural networks?"
"""

import keras

from kzoo.checks import nearest, require


def freeze(model: keras.Model, until: str) -> keras.Model:
    """Makes the layer `until` and all layers that it depends on non-trainable; returns the model.

    Their batch norms use their moving statistics, in training too. Compile the model afterwards. Refuses unknown
    layers, naming the nearest known ones.

    >>> import kzoo
    >>> frozen = freeze(kzoo.model("nielsen_3"), until="stage1")
    >>> [layer.name for layer in frozen.layers if layer.weights and not layer.trainable]
    ['stage1_conv']
    """
    for layer in layers_until(model, until):
        layer.trainable = False
    return model


def layers_until(model: keras.Model, until: str) -> list[keras.layers.Layer]:
    """Returns the layer `until` and all layers that it depends on."""
    known = [layer.name for layer in model.layers]
    require(until in known, model.name, f"until, {nearest(until, known)}", until=until)
    return keras.Model(model.inputs, model.get_layer(until).output).layers

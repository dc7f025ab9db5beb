"""Freezes the first layers of a model, so that only the later ones are trained on other data.

Source: Yosinski, Clune, Bengio & Lipson 2014, "How transferable are features in deep neural networks?"
"""

import keras

from kzoo.models.layer_paths import layers_until


def freeze(model: keras.Model, until: str) -> keras.Model:
    """Makes the layer `until` and all layers that it depends on non-trainable; returns the model.

    Their batch norms use their moving statistics, in training too. Compile the model afterwards. `until`: a layer of
    the model, or of a model that it holds, by its path, "backbone/stage2", or by its end where only one path has it,
    "stage2". Refuses unknown layers, naming the nearest known ones, and ambiguous names.

    >>> import kzoo
    >>> frozen = freeze(kzoo.model("nielsen_3"), until="stage1")
    >>> [layer.name for layer in frozen.layers if layer.weights and not layer.trainable]
    ['stage1_conv']
    """
    for layer in layers_until(model, until).values():
        layer.trainable = False
    return model

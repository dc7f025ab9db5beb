"""Freezing the first layers of a model, to train what is behind them on other data.

Source: Yosinski, Clune, Bengio & Lipson 2014, "How transferable are features in deep neural networks?"
"""

import keras

from kzoo.checks import nearest, require


def freeze(net, until):
    """Keep the layer `until` of a model and all that it is computed from as they are; returns the model.

    Their batch norms work with their moving statistics, in training too. Compile the model afterwards.
    Errors: ValueError for a layer that there is not, with the nearest names.

    >>> from kzoo.models.registry import model
    >>> net = freeze(model("nielsen_3"), until="stage1")
    >>> [layer.name for layer in net.layers if layer.weights and not layer.trainable]
    ['stage1_conv']
    """
    for layer in layers_until(net, until):
        layer.trainable = False
    return net


def layers_until(net, until):
    """The layer `until` of a model and all that it is computed from."""
    known = [layer.name for layer in net.layers]
    require(until in known, net.name, f"until, {nearest(until, known)}", until=until)
    return keras.Model(net.inputs, net.get_layer(until).output).layers

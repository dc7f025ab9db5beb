"""Weights from elsewhere: keras.applications' models, each to the variant that matches.

Source: none; names are read off keras.applications 3.15.
"""

import re

import numpy as np
from keras import layers

from kzoo.checks import Refusal, nearest, require
from kzoo.models.registry import model

APPLICATIONS = ("vgg16", "vgg19", "resnet50", "resnet101", "resnet152")
EPSILON = 1.001e-5  # of the batch norms of Keras's ResNets


def from_keras_applications(net):
    """kzoo's model with the weights of `keras.applications.VGG16, VGG19, ResNet50, ResNet101` or `ResNet152`.

    `net`: the model as built there, with its own name, any input size, number of classes, and with or without the top.
    Biases in front of batch norms, which kzoo's ResNets have not, go into the norms' means.
    Errors: ValueError for another model, naming the nearest, or naming the weights that do not fit.
    """
    require(net.name in APPLICATIONS, "from_keras_applications", nearest(net.name, APPLICATIONS), name=net.name)
    top = next((layer for layer in net.layers if layer.name == "predictions"), None)
    more = {"classes": top.units, "classifier_activation": top.activation} if top else {"include_top": False}
    more |= {"epsilon": EPSILON} if net.name.startswith("resnet") else {}
    ours = model(net.name, input_shape=tuple(net.input_shape[1:]), **more)
    names = {_of_application(layer.name): layer for layer in net.layers if layer.weights}
    for layer in ours.layers:
        if not layer.weights:
            continue
        if layer.name not in names:
            raise Refusal(f"from_keras_applications: {net.name} has no layer for {layer.name}.")
        source = names.pop(layer.name)
        values = [np.array(weight) for weight in source.weights]
        if isinstance(layer, layers.BatchNormalization):
            values[2] = values[2] - _bias_before(net, source)
        _assign("from_keras_applications", layer, values[: len(layer.weights)], source.name)
    if names:
        raise Refusal(f"from_keras_applications: no layer of {ours.name} takes {', '.join(sorted(names))}.")
    return ours


def _of_application(name):
    """block1_conv1 -> stage1_conv1; conv2_block1_1_bn -> stage2_block1_norm1; conv1_conv -> stage1_conv."""
    name = re.sub(r"^block(\d)_conv", r"stage\1_conv", name)
    name = re.sub(r"^conv(\d)_block(\d+)_(\d)_(conv|bn)$", r"stage\1_block\2_\4\3", name)
    return re.sub(r"^conv1_(conv|bn)$", r"stage1_\1", name).replace("_bn", "_norm")


def _bias_before(net, norm):
    """The bias of the convolution that a batch norm follows."""
    return np.array(net.get_layer(re.sub(r"_bn$", "_conv", norm.name)).bias)


def _assign(who, layer, values, source):
    shapes, wanted = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
    if shapes != wanted:
        raise Refusal(f"{who}: {source} has weights of shapes {shapes}; layer {layer.name} takes {wanted}.")
    layer.set_weights(values)

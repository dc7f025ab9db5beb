"""AlexNet in its two towers, without towers, and in one tower; layers can be removed.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", for
the two towers; Krizhevsky 2014, arXiv:1404.5997, and its author's configuration, for the single tower; Zeiler & Fergus
2014, arXiv:1311.2901, table 3, for the removals.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import (
    add_top,
    average_maps,
    build_model,
    ceil_pool,
    check_integer,
    check_integer_list,
    check_rate,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

REMOVABLE = (3, 4, 6, 7)
FC_UNITS = (4096, 4096)


def alexnet(
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    groups: int = 2,
    fc_units: Sequence[int] = FC_UNITS,
    dropout: float = 0.5,
    remove: Sequence[int] = (),
    width: float = 1.0,
    input_shape: Shape = (227, 227, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "alexnet",
) -> keras.Model:
    """Builds AlexNet: five convolutions, three of them split into two towers, and two dense layers.

    Shapes: images (B, 227, 227, 3), the mean subtracted -> probabilities (B, 1000). The paper says 224, but its 55 x 55
    maps need 227. The smallest input is 39 x 39.
    Settings: filters of the five convolutions; groups of the second, fourth and fifth, 2 for two towers; fc_units of
    the hidden layers and the dropout after them; remove, any of the layers 3, 4, 6, 7; width, a factor of all filters.
    Layers: stage1 ... stage5, fc6, fc7, predictions.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    check_integer(name, groups=groups)
    first, second, *others = scale_filters(name, filters, width, multiple=groups)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=39)
    x = conv(x, first, 11, 4, 0, "stage1_conv")
    x = ceil_pool(LocalResponseNormalization(name="stage1_norm")(x), "stage1")
    x = conv(x, second, 5, 1, 2, "stage2_conv", groups=groups, bias="ones")
    x = ceil_pool(LocalResponseNormalization(name="stage2_norm")(x), "stage2")
    x = ceil_pool(last_convolutions(x, others, remove, groups), "stage5")
    hidden = hidden_layers(fc_units, dropout, remove)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **initializers("zeros"))
    return build_model(name, inputs, x, weights)


def alexnet_one_tower(
    filters: Sequence[int] = (64, 192, 384, 256, 256),
    fc_units: Sequence[int] = FC_UNITS,
    dropout: float = 0.5,
    remove: Sequence[int] = (),
    width: float = 1.0,
    input_shape: Shape = (227, 227, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "alexnet_one_tower",
) -> keras.Model:
    """Builds AlexNet in one tower, whose first convolution is normalized before its ReLU.

    Shapes: images (B, 227, 227, 3), the mean subtracted -> probabilities (B, 1000). The smallest input is 39 x 39.
    Settings and layers: as `alexnet`.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    first, second, *others = scale_filters(name, filters, width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=39)
    x = conv(x, first, 11, 4, 0, "stage1_conv", activation=None)
    x = layers.ReLU(name="stage1_relu")(LocalResponseNormalization(name="stage1_norm")(x))
    x = ceil_pool(x, "stage1")
    x = conv(x, second, 5, 1, 2, "stage2_conv", bias="ones")
    x = ceil_pool(LocalResponseNormalization(name="stage2_norm")(x), "stage2")
    x = ceil_pool(last_convolutions(x, others, remove), "stage5")
    hidden = hidden_layers(fc_units, dropout, remove)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **initializers("zeros"))
    return build_model(name, inputs, x, weights)


def alexnet_torchvision(
    filters: Sequence[int] = (64, 192, 384, 256, 256),
    fc_units: Sequence[int] = FC_UNITS,
    dropout: float = 0.5,
    remove: Sequence[int] = (),
    width: float = 1.0,
    average_to: int | None = 6,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "alexnet_torchvision",
) -> keras.Model:
    """Builds torchvision's AlexNet: one tower, no normalization, dropout before the dense layers.

    Shapes: images (B, 224, 224, 3) -> probabilities (B, 1000). Any size from 63 x 63, also unknown.
    Settings and layers: as `alexnet`, and average_to, rows and columns to which the last maps are pooled before the
    dense layers, so that these have the same weights for any input; None for no pooling.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    first, second, *others = scale_filters(name, filters, width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=63)
    x = MaxPooling2D(3, 2, name="stage1")(conv(x, first, 11, 4, 2, "stage1_conv"))
    x = MaxPooling2D(3, 2, name="stage2")(conv(x, second, 5, 1, 2, "stage2_conv", bias="ones"))
    x = MaxPooling2D(3, 2, name="stage5")(last_convolutions(x, others, remove))
    x = average_maps(name, x, average_to) if include_top else x
    hidden = hidden_layers(fc_units, dropout, remove, dropout_first=True)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **initializers("zeros"))
    return build_model(name, inputs, x, weights)


def check_settings(who, filters, fc_units, dropout, remove):
    """Refuses settings that are not those of five convolutions and two hidden layers."""
    check_integer_list(who, filters=filters, fc_units=fc_units)
    require(len(filters) == 5, who, "filters of five convolutions", filters=filters)
    require(len(fc_units) == 2, who, "fc_units of two hidden layers", fc_units=fc_units)
    known = isinstance(remove, (tuple, list)) and all(layer in REMOVABLE for layer in remove)
    require(known, who, f"remove, a list of layers of {REMOVABLE}", remove=remove)
    check_rate(who, dropout=dropout)


def initializers(bias: str) -> dict[str, Any]:
    """Returns the paper's initializers: kernels N(0, 0.01), biases "ones", which keep ReLUs active, or "zeros"."""
    return {"kernel_initializer": RandomNormal(stddev=0.01), "bias_initializer": bias}


def conv(x, filters, kernel, strides, padding, name, groups=1, bias="zeros", activation="relu"):
    """Applies a convolution with the paper's initializers."""
    more = {"strides": strides, "padding": padding, "groups": groups, "activation": activation, "name": name}
    return Conv2D(filters, kernel, **more, **initializers(bias))(x)


def last_convolutions(x, filters, remove, groups=1):
    """Applies those of the third to fifth convolution that are not removed."""
    third, fourth, fifth = filters
    if 3 not in remove:
        x = conv(x, third, 3, 1, 1, "stage3")
    if 4 not in remove:
        x = conv(x, fourth, 3, 1, 1, "stage4", groups=groups, bias="ones")
    return conv(x, fifth, 3, 1, 1, "stage5_conv", groups=groups, bias="ones")


def hidden_layers(fc_units, dropout, remove, dropout_first=False):
    """Returns those of the dense layers fc6 and fc7 that are not removed, each with dropout after or before it."""
    kept = []
    for number, units in zip((6, 7), fc_units):
        if number not in remove:
            dense = layers.Dense(units, "relu", name=f"fc{number}", **initializers("ones"))
            drop = layers.Dropout(dropout, name=f"fc{number}_dropout")
            kept += [drop, dense] if dropout_first else [dense, drop]
    return kept


register_family(alexnet, {"alexnet": {}, "alexnet_dense": {"groups": 1}})
register_family(alexnet_one_tower, {"alexnet_one_tower": {}})
register_family(alexnet_torchvision, {"alexnet_torchvision": {}})

"""AlexNet in its two towers, without towers, and in one tower; layers can be removed.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", for
the two towers; Krizhevsky 2014, arXiv:1404.5997, and its author's configuration, for the single tower; Zeiler & Fergus
2014, arXiv:1311.2901, table 3, for the removals.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.models.blocks import (
    add_top,
    average_maps,
    build_model,
    ceil_pool,
    check_integer,
    check_integer_list,
    check_rate,
    gaussian,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

REMOVABLE = (3, 4, 6, 7)
FC_UNITS = (4096, 4096)
PYTORCH_UNIFORM: dict[str, Any] = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
}


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
    the hidden layers and the dropout after them, which multiplies by 1 - dropout at inference and does not scale in
    training, as in the paper; remove, any of the layers 3, 4, 6, 7; width, a factor of all filters.
    Kernels are initialized from N(0, 0.01^2), as in the paper; biases of the second, fourth and fifth convolution and
    of the hidden layers are 1, the others 0.
    Layers: stage1 ... stage5, fc6, fc7, predictions.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    check_integer(name, groups=groups)
    first, second, *others = scale_filters(name, filters, width, multiple=groups)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=39)
    x = conv(x, first, 11, 4, 0, "stage1_conv")
    x = ceil_pool(LocalResponseNormalization(name="stage1_norm")(x), "stage1")
    x = conv(x, second, 5, 1, 2, "stage2_conv", groups=groups, **gaussian(0.01, 1))
    x = ceil_pool(LocalResponseNormalization(name="stage2_norm")(x), "stage2")
    x = ceil_pool(last_convolutions(x, others, remove, groups), "stage5")
    hidden = hidden_layers(fc_units, dropout, remove, **gaussian(0.01, 1))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **gaussian(0.01))
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
    Initial values and constants are those of the author's configuration: as `alexnet`, but kernels of the last three
    convolutions from N(0, 0.03^2) and biases of the classifier -7; response normalization divides alpha by the number
    of summands.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    first, second, *others = scale_filters(name, filters, width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=39)
    x = conv(x, first, 11, 4, 0, "stage1_conv", activation=None)
    x = LocalResponseNormalization(divide_by_size=True, name="stage1_norm")(x)
    x = ceil_pool(layers.ReLU(name="stage1_relu")(x), "stage1")
    x = conv(x, second, 5, 1, 2, "stage2_conv", **gaussian(0.01, 1))
    x = ceil_pool(LocalResponseNormalization(divide_by_size=True, name="stage2_norm")(x), "stage2")
    x = ceil_pool(last_convolutions(x, others, remove, stddev=0.03), "stage5")
    hidden = hidden_layers(fc_units, dropout, remove, **gaussian(0.01, 1))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **gaussian(0.01, -7))
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
    Kernels are initialized by PyTorch's rule, uniformly between -1 / sqrt(n) and 1 / sqrt(n) for n weights per filter;
    biases, which PyTorch draws from the same range, are 0.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    first, second, *others = scale_filters(name, filters, width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=63)
    start: dict[str, Any] = {"kernel_initializer": PYTORCH_UNIFORM, "bias_initializer": "zeros"}
    x = MaxPooling2D(3, 2, name="stage1")(conv(x, first, 11, 4, 2, "stage1_conv", **start))
    x = MaxPooling2D(3, 2, name="stage2")(conv(x, second, 5, 1, 2, "stage2_conv", **start))
    x = MaxPooling2D(3, 2, name="stage5")(last_convolutions(x, others, remove, **start))
    x = average_maps(name, x, average_to) if include_top else x
    hidden = hidden_layers(fc_units, dropout, remove, layers.Dropout, dropout_first=True, **start)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **start)
    return build_model(name, inputs, x, weights)


def check_settings(who, filters, fc_units, dropout, remove):
    """Refuses settings that are not those of five convolutions and two hidden layers."""
    check_integer_list(who, filters=filters, fc_units=fc_units)
    require(len(filters) == 5, who, "filters of five convolutions", filters=filters)
    require(len(fc_units) == 2, who, "fc_units of two hidden layers", fc_units=fc_units)
    known = isinstance(remove, (tuple, list)) and all(layer in REMOVABLE for layer in remove)
    require(known, who, f"remove, a list of layers of {REMOVABLE}", remove=remove)
    check_rate(who, dropout=dropout)


def conv(x, filters, kernel, strides, padding, name, **settings):
    """Applies a convolution with a ReLU, kernels from N(0, 0.01^2) and biases of 0, unless `settings` say otherwise."""
    settings = {"activation": "relu", **gaussian(0.01), **settings}
    return Conv2D(filters, kernel, strides=strides, padding=padding, name=name, **settings)(x)


def last_convolutions(x, filters, remove, groups=1, stddev=0.01, **settings):
    """Applies those of the third to fifth convolution that are not removed; biases of the last two are 1.

    `settings` of all three take precedence over these initial values.
    """
    third, fourth, fifth = filters
    if 3 not in remove:
        x = conv(x, third, 3, 1, 1, "stage3", **{**gaussian(stddev), **settings})
    settings = {"groups": groups, **gaussian(stddev, 1), **settings}
    if 4 not in remove:
        x = conv(x, fourth, 3, 1, 1, "stage4", **settings)
    return conv(x, fifth, 3, 1, 1, "stage5_conv", **settings)


def hidden_layers(fc_units, dropout, remove, kind=UnscaledDropout, dropout_first=False, **settings):
    """Returns those of the dense layers fc6 and fc7 that are not removed, each with dropout after or before it."""
    kept = []
    for number, units in zip((6, 7), fc_units):
        if number not in remove:
            dense = layers.Dense(units, "relu", name=f"fc{number}", **settings)
            drop = kind(dropout, name=f"fc{number}_dropout")
            kept += [drop, dense] if dropout_first else [dense, drop]
    return kept


register_family(alexnet, {"alexnet": {}, "alexnet_dense": {"groups": 1}})
register_family(alexnet_one_tower, {"alexnet_one_tower": {}})
register_family(alexnet_torchvision, {"alexnet_torchvision": {}})

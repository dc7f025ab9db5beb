"""VGG: deep stacks of small kernels, from 11 to 19 layers.

Source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556, table 1; torchvision's vgg.py for the variants with batch norms.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import (
    add_top,
    average_maps,
    build_model,
    check_integer_list,
    check_rate,
    gaussian,
    hidden_layers,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

FILTERS = (64, 128, 256, 512, 512)
HE_FAN_OUT: dict[str, Any] = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}


def vgg(
    convolutions: Sequence[int] = (2, 2, 3, 3, 3),
    pointwise_last: bool = False,
    normalize: bool = False,
    batch_norm: bool = False,
    average_to: int | None = None,
    fc_units: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "vgg16",
) -> keras.Model:
    """Builds VGG: five stages of 3 x 3 convolutions and two dense layers.

    Shapes: images (B, 224, 224, 3), the mean subtracted -> probabilities (B, 1000). The smallest input is 32 x 32; with
    `average_to` its size may be unknown.
    Settings: convolutions of each stage; pointwise_last, the third of a stage is 1 x 1 (configuration C); normalize,
    local response normalization after the first (A-LRN); batch_norm before each convolution's ReLU, with torchvision's
    epsilon 1e-5 and momentum 0.9; average_to, rows and columns to which the last maps are pooled before the dense
    layers, torchvision's 7, so that these have the same weights for any input; fc_units of the hidden layers and their
    dropout; width, a factor of all filters.
    Kernels are initialized by Glorot's rule, which the authors found to work without pre-training. With batch_norm they
    are initialized as in torchvision: those of convolutions by He's rule for the fan-out, those of dense layers from
    N(0, 0.01^2). Biases are 0.
    Layers: stage1_conv1 ..., stage1_norm1 ... of batch norms, stage1 ... stage5 (the pooled maps), fc1, fc2,
    predictions.
    """
    check_integer_list(name, convolutions=convolutions, fc_units=fc_units)
    require(len(convolutions) == 5, name, "convolutions of five stages", convolutions=convolutions)
    check_rate(name, dropout=dropout)
    start, dense = ({"kernel_initializer": HE_FAN_OUT}, gaussian(0.01)) if batch_norm else ({}, {})
    x = inputs = model_input(name, input_shape, input_tensor, smallest=32)
    for stage, (count, units) in enumerate(zip(convolutions, scale_filters(name, FILTERS, width)), start=1):
        for number in range(1, count + 1):
            kernel = 1 if pointwise_last and number == 3 else 3
            activation = None if batch_norm else "relu"
            more = {"padding": "same", "activation": activation, "name": f"stage{stage}_conv{number}", **start}
            x = Conv2D(units, kernel, **more)(x)
            if batch_norm:
                x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"stage{stage}_norm{number}")(x)
                x = layers.ReLU(name=f"stage{stage}_relu{number}")(x)
            if normalize and stage == number == 1:
                x = LocalResponseNormalization(name="stage1_norm")(x)
        x = MaxPooling2D(2, name=f"stage{stage}")(x)
    x = average_maps(name, x, average_to) if include_top else x
    hidden = hidden_layers(fc_units, dropout, **dense)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **dense)
    return build_model(name, inputs, x, weights)


PLAIN = {
    "vgg11": {"convolutions": (1, 1, 2, 2, 2)},
    "vgg13": {"convolutions": (2, 2, 2, 2, 2)},
    "vgg16": {},
    "vgg19": {"convolutions": (2, 2, 4, 4, 4)},
}
register_family(
    vgg,
    {
        **PLAIN,
        **{f"{name}_bn": {**settings, "batch_norm": True, "average_to": 7} for name, settings in PLAIN.items()},
        "vgg11_lrn": {"convolutions": (1, 1, 2, 2, 2), "normalize": True},
        "vgg16_1x1": {"pointwise_last": True},
    },
)

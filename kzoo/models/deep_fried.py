"""Deep fried convnets: Caffe's LeNet with its large dense layer replaced by a Fastfood transform.

Source: Yang et al. 2015, "Deep fried convnets", arXiv:1412.7149; the LeNet of Caffe's examples.
"""

from typing import Any

import keras
from keras import layers

from kzoo.checks import nearest, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.fastfood import Fastfood
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import add_top, build_model, check_integer, check_rate, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

HIDDEN = {"fastfood": Fastfood, "dense": layers.Dense}
XAVIER: dict[str, Any] = {"kernel_initializer": "lecun_uniform"}  # Caffe's name of it


def deep_fried(
    hidden: str = "fastfood",
    fc_units: int = 1024,
    adaptive: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    input_shape: Shape = (28, 28, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "deep_fried_1024",
) -> keras.Model:
    """Builds a deep fried convnet: two convolutions and a Fastfood transform in place of a dense layer.

    Shapes: digits (B, 28, 28, 1) in [0, 1] -> probabilities (B, 10). The smallest input is 16 x 16.
    Settings: hidden, "fastfood", or "dense" as in Caffe's LeNet; fc_units, its size; adaptive, whether the transform is
    trained; dropout after it; width, a factor of the filters.
    Kernels are initialized as in Caffe's LeNet, uniformly between -sqrt(3 / n) and sqrt(3 / n) for n weights per
    filter; biases are 0.
    The published counts, 38,821 (a misprint of 38,812) and 52,124, are of weights without biases.
    Layers: stage1, stage2 (pooled), fc1, predictions.
    """
    require(hidden in HIDDEN, name, f"hidden, {nearest(hidden, HIDDEN)}", hidden=hidden)
    check_integer(name, fc_units=fc_units)
    check_rate(name, dropout=dropout)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=16)
    for stage, units in enumerate(scale_filters(name, (20, 50), width), start=1):
        x = Conv2D(units, 5, name=f"stage{stage}_conv", **XAVIER)(x)
        x = MaxPooling2D(2, name=f"stage{stage}")(x)
    more = {"trainable": adaptive, "seed": 0} if hidden == "fastfood" else XAVIER
    parts = [HIDDEN[hidden](fc_units, name="fc1", **more), layers.ReLU(name="fc1_relu")]
    parts += [layers.Dropout(dropout, name="fc1_dropout")] if dropout else []
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, parts, **XAVIER)
    return build_model(name, inputs, x, weights)


register_family(
    deep_fried,
    {
        "deep_fried_1024": {},
        "deep_fried_2048": {"fc_units": 2048},
        "lenet_caffe": {"hidden": "dense", "fc_units": 500, "dropout": 0.0},
    },
)

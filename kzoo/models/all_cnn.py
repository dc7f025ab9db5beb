"""All-CNN and related networks, which replace pooling by strided convolutions.

Source: Springenberg, Dosovitskiy, Brox & Riedmiller 2015, "Striving for simplicity: the all convolutional net",
arXiv:1412.6806, tables 1 and 2.
"""

import keras
from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import add_convolutional_top, build_model, check_rate, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

DOWN = ("convolution", "stride", "pool", "both")
KERNELS = {"A": [5], "C": [3, 3]}  # of each stage


def all_cnn(
    base: str = "C",
    down: str = "convolution",
    width: float = 1.0,
    dropout: float = 0.5,
    input_dropout: float = 0.2,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "all_cnn_c",
) -> keras.Model:
    """Builds All-CNN, a stack of 3 x 3 and 1 x 1 convolutions without pooling or dense layers.

    Shapes: images (B, 32, 32, 3), whitened -> probabilities (B, 10), means over maps of 6 x 6. Any size from 9 x 9.
    Settings: base, "C" for two 3 x 3 convolutions per stage, "A" for one of 5 x 5; down, how a stage halves the size:
    "convolution", by an additional strided one (All-CNN), "stride", by the stage's last (Strided-CNN), "pool", by 3 x 3
    max pooling (the paper's base model), "both", by a convolution and a pool (ConvPool-CNN); dropout after each stage,
    and input_dropout; width, a factor of all filters.
    The source does not say how kernels are initialized; He's rule is chosen here.
    Layers: stage1 ... stage3, predictions.
    """
    require(base in KERNELS, name, f"base, one of {tuple(KERNELS)}", base=base)
    require(down in DOWN, name, f"down, one of {DOWN}", down=down)
    check_rate(name, dropout=dropout, input_dropout=input_dropout)

    def conv(label, units, kernel, strides=1, padding="same"):
        more = {"padding": padding, "activation": "relu", "kernel_initializer": "he_normal"}
        return Conv2D(units, kernel, strides=strides, name=label, **more)

    first, second = scale_filters(name, (96, 192), width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=9)
    x = layers.Dropout(input_dropout, name="input_dropout")(x)
    for stage, units in enumerate((first, second), start=1):
        kernels = KERNELS[base] + [3] * (down in ("convolution", "both"))
        for number, kernel in enumerate(kernels, start=1):
            strided = number == len(kernels) and down in ("convolution", "stride")
            label = f"stage{stage}" if strided else f"stage{stage}_conv{number}"
            x = conv(label, units, kernel, 2 if strided else 1)(x)
        if down in ("pool", "both"):
            x = MaxPooling2D(3, 2, "same", name=f"stage{stage}")(x)
        x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
    x = conv("stage3_conv1", second, 3, padding="valid")(x)
    x = conv("stage3", second, 1)(x)
    x = add_convolutional_top(
        name, x, include_top, classes, classifier_activation, pooling, lambda units: conv("stage3_conv3", units, 1)
    )
    return build_model(name, inputs, x, weights)


register_family(
    all_cnn,
    {
        "all_cnn_c": {},
        "strided_cnn_c": {"down": "stride"},
        "conv_pool_cnn_c": {"down": "both"},
        "model_c": {"down": "pool"},
        "model_a": {"base": "A", "down": "pool"},
        "all_cnn_a": {"base": "A"},
    },
)

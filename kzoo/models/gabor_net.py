"""A fixed bank of Gabor filters as the first layer, under a trained classifier or a small convolutional network.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.10, for the filters and complex cells. It gives
no network and no recipe: the layers above the filters, all sizes, the initial values and zoo_configs/small_gabor.yaml
are chosen here.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kzoo.layers.conv import Conv2D
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.models.blocks import add_top, build_model, check_integer, check_integer_list, check_rate, model_input
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def gabor_net(
    filters: int = 32,
    kernel: int = 11,
    pool: int = 4,
    energy: bool = True,
    trainable_bank: bool = False,
    convolutions: Sequence[int] = (),
    dropout: float = 0.0,
    input_shape: Shape = (28, 28, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "gabor_net",
) -> keras.Model:
    """Builds a network of Gabor filters, average pooling and one dense layer.

    Shapes: images (B, 28, 28, 1) -> probabilities (B, 10). The smallest input is pool * 2^len(convolutions) a side.
    Settings: filters of the bank, which see the sum of the channels, and their kernel; pool, the side of the windows;
    energy, complex cells (if False simple ones, rectified); trainable_bank, whether the eight parameters of each filter
    are trained; convolutions, the filters of trained 3 x 3 convolutions on the pooled maps, each with 2 x 2 max
    pooling; dropout before the classifier.
    `standardize` is the identity until `kzoo.models.adapt` computes the maps' means and standard deviations from data.
    Layers: stage1 (pooled), standardize, stage2 ..., predictions.
    """
    check_integer_list(name, convolutions=convolutions)
    check_integer(name, filters=filters, kernel=kernel, pool=pool)
    check_rate(name, dropout=dropout)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=pool * 2 ** len(convolutions))
    more: dict[str, Any] = {
        "padding": "same",
        "energy": energy,
        "activation": None if energy else "relu",
        "trainable": trainable_bank,
    }
    x = GaborConv2D(filters, kernel, name="stage1_gabor", **more)(x)
    x = layers.AveragePooling2D(pool, name="stage1")(x)
    x = layers.Normalization(name="standardize")(x)
    for stage, units in enumerate(convolutions, start=2):
        x = Conv2D(units, 3, padding="same", activation="relu", name=f"stage{stage}_conv")(x)
        x = MaxPooling2D(2, name=f"stage{stage}")(x)
    hidden = [layers.Dropout(dropout, name="predictions_dropout")] if dropout else []
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return build_model(name, inputs, x, weights)


register_family(
    gabor_net,
    {
        "gabor_net": {},
        "gabor_net_trained": {"trainable_bank": True},
        "gabor_net_conv": {"convolutions": (64,)},
    },
)

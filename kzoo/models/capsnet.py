"""CapsNet, whose classes are vectors that a decoder can draw, and the convolutional baseline of its paper.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, and the first author's code.
"""

import math
from collections.abc import Sequence

import keras
from keras import layers
from keras.initializers import Constant, TruncatedNormal

from kzoo.checks import require
from kzoo.layers.capsules import Capsules
from kzoo.layers.channel_lp_pooling import ChannelLPPooling
from kzoo.layers.conv import Conv2D
from kzoo.layers.mask_capsules import MaskCapsules
from kzoo.layers.primary_capsules import PrimaryCapsules2D
from kzoo.models.blocks import (
    add_top,
    build_model,
    check_integer,
    check_integer_list,
    check_rate,
    check_top,
    model_input,
    pool_features,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def capsnet(
    filters: int = 256,
    capsules: int = 32,
    dimensions: Sequence[int] = (8, 16),
    kernel_size: int = 9,
    routings: int = 3,
    bias: bool = False,
    decoder: bool = True,
    fc_units: Sequence[int] = (512, 1024),
    width: float = 1.0,
    input_shape: Shape = (28, 28, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    name: str = "capsnet",
) -> keras.Model:
    """Builds CapsNet, which represents each class by a vector whose length is its score, with a decoder of the image.

    Shapes: [images (B, 28, 28, 1) in [0, 1], labels (B,)] -> [lengths of the class capsules (B, 10), reconstructed
    images]. Without the decoder: images -> lengths. The smallest input is 17 x 17, one less than twice the kernel.
    Settings: filters of the convolution; capsules, the number of primary capsule types; dimensions of primary and of
    class capsules; kernel_size of both convolutions; routings, the number of routing iterations; bias, whether the
    class capsules have biases (in the authors' code they do, in the paper's count of parameters they do not); decoder;
    fc_units of its hidden layers; width, a factor of filters and capsules.
    Kernels are initialized as in the authors' code, from truncated Gaussians with a standard deviation of 0.05 in the
    first layer, 0.1 in the others; biases with 0.1.
    The decoder draws the capsule of the label, or for a negative label, as at inference, the longest capsule. The
    lengths do not depend on the label; each is below 1, and they do not sum to 1. Losses:
    `kzoo.losses.CapsuleMarginLoss` for the lengths; for the image the paper's summed squared error times 0.0005, which
    is Keras's mean squared error times 0.0005 per pixel: `loss_weights=[1, 0.392]` for 28 x 28. The authors' code takes
    half the mean of the margin loss over the classes instead of its sum: `[0.05, 0.392]` for 10 classes.
    Layers: stage1, stage2 (primary capsules), capsules, predictions, mask, decoder_fc1 ..., reconstruction.
    """
    check_integer_list(name, fc_units=fc_units, dimensions=dimensions)
    require(len(dimensions) == 2, name, "dimensions of both kinds of capsules", dimensions=dimensions)
    check_integer(name, filters=filters, capsules=capsules, kernel_size=kernel_size, routings=routings)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=2 * kernel_size - 1)
    (filters,), (capsules,) = scale_filters(name, [filters], width), scale_filters(name, [capsules], width)
    x = Conv2D(filters, kernel_size, activation="relu", name="stage1", **_initializers(0.05))(x)
    x = PrimaryCapsules2D(capsules, dimensions[0], kernel_size, strides=2, name="stage2", **_initializers(0.1))(x)
    if not include_top:
        return build_model(name, inputs, pool_features(name, x, pooling), weights)
    check_top(name, classes, pooling)
    size = inputs.shape[1:]
    require(None not in size, name, "known sizes with include_top=True", input_shape=tuple(size))
    x = Capsules(classes, dimensions[1], routings, use_bias=bias, name="capsules", **_initializers(0.1))(x)
    lengths = ChannelLPPooling(dimensions[1], data_format="channels_last", dtype="float32", name="lengths")(x)
    lengths = layers.Reshape((classes,), dtype="float32", name="predictions")(lengths)
    if not decoder:
        return build_model(name, inputs, lengths, weights)
    label = keras.Input((), dtype="int32", name="label")
    x = layers.Flatten(name="flatten")(MaskCapsules(name="mask")([x, label]))
    for number, units in enumerate(fc_units, start=1):
        x = layers.Dense(units, "relu", name=f"decoder_fc{number}", **_initializers(0.1))(x)
    x = layers.Dense(math.prod(size), "sigmoid", dtype="float32", name="drawn", **_initializers(0.1))(x)
    x = layers.Reshape(size, dtype="float32", name="reconstruction")(x)
    return build_model(name, [inputs, label], [lengths, x], weights)


def _initializers(stddev):
    """Returns the initializers of the authors' code: truncated normal kernels, biases 0.1."""
    return {"kernel_initializer": TruncatedNormal(stddev=stddev), "bias_initializer": Constant(0.1)}


def capsnet_baseline(
    filters: Sequence[int] = (256, 256, 128),
    kernel_size: int = 5,
    fc_units: Sequence[int] = (328, 192),
    dropout: float = 0.5,
    width: float = 1.0,
    input_shape: Shape = (28, 28, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "capsnet_baseline",
) -> keras.Model:
    """Builds CapsNet's baseline: three convolutions without pooling and two dense layers.

    Shapes: images (B, 28, 28, 1) -> probabilities (B, 10).
    Settings: filters of the convolutions and their kernel_size; fc_units of the hidden layers; dropout after the last
    of these, whose rate no source gives; width, a factor of all filters. Kernels are initialized by Glorot's rule and
    biases with 0, chosen here.
    Layers: stage1 ... stage3, fc1, fc2, predictions.
    """
    check_integer_list(name, filters=filters, fc_units=fc_units)
    check_rate(name, dropout=dropout)
    x = inputs = model_input(name, input_shape, input_tensor)
    for stage, count in enumerate(scale_filters(name, filters, width), start=1):
        x = Conv2D(count, kernel_size, padding="same", activation="relu", name=f"stage{stage}")(x)
    hidden = [layers.Dense(units, "relu", name=f"fc{number}") for number, units in enumerate(fc_units, start=1)]
    hidden.append(layers.Dropout(dropout, name="dropout"))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return build_model(name, inputs, x, weights)


register_family(capsnet, {"capsnet": {}})
register_family(capsnet_baseline, {"capsnet_baseline": {}})

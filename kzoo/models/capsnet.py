"""CapsNet, whose classes are vectors that a decoder can draw, and the convolutional net that it is held against.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, and the first author's code.
"""

import math

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
    check_top,
    classify,
    finish,
    scaled,
    start,
    whole_number,
    whole_numbers,
    without_top,
)
from kzoo.models.registry import register_family


def capsnet(
    filters=256,
    capsules=32,
    dimensions=(8, 16),
    kernel_size=9,
    routings=3,
    bias=False,
    decoder=True,
    fc_units=(512, 1024),
    width=1.0,
    input_shape=(28, 28, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    name="capsnet",
):
    """[image (B, 28, 28, 1) in [0, 1], label (B,)] -> [lengths of the classes' capsules (B, 10), the image redrawn].

    Settings: filters of the convolution; capsules, kinds of primary ones; dimensions of these and of the classes';
    kernel_size of both convolutions; routings, rounds of it; bias of the classes' capsules, which the code has and the
    paper's count has not; decoder, or else the image alone -> the lengths; fc_units of its hidden layers; width, a
    factor of filters and capsules.
    The decoder draws the label's capsule; for a label below 0, as at inference, the longest one. The lengths do not
    depend on the label: they are below 1, and not of sum 1. Losses: `kzoo.losses.CapsuleMarginLoss` of the lengths; of
    the image the summed squared error times 0.0005, which is Keras's mean one times 0.0005 a number, so for 28 x 28
    `loss_weights=[1, 0.392]`.
    Layers: stage1, stage2 (primary capsules), capsules, predictions, mask, decoder_fc1 ..., reconstruction. The
    smallest input is 17 x 17, one less than twice the kernel.
    """
    whole_numbers(name, fc_units=fc_units, dimensions=dimensions)
    require(len(dimensions) == 2, name, "dimensions of both kinds of capsules", dimensions=dimensions)
    whole_number(name, filters=filters, capsules=capsules, kernel_size=kernel_size, routings=routings)
    x = inputs = start(name, input_shape, input_tensor, smallest=2 * kernel_size - 1)
    (filters,), (capsules,) = scaled(name, [filters], width), scaled(name, [capsules], width)
    x = Conv2D(filters, kernel_size, activation="relu", name="stage1", **_start(0.05))(x)
    x = PrimaryCapsules2D(capsules, dimensions[0], kernel_size, strides=2, name="stage2", **_start(0.1))(x)
    if not include_top:
        return finish(name, inputs, without_top(name, x, pooling), weights)
    check_top(name, classes, pooling)
    size = inputs.shape[1:]
    require(None not in size, name, "known sizes with include_top=True", input_shape=tuple(size))
    x = Capsules(classes, dimensions[1], routings, use_bias=bias, name="capsules", **_start(0.1))(x)
    lengths = ChannelLPPooling(dimensions[1], data_format="channels_last", dtype="float32", name="lengths")(x)
    lengths = layers.Reshape((classes,), dtype="float32", name="predictions")(lengths)
    if not decoder:
        return finish(name, inputs, lengths, weights)
    label = keras.Input((), dtype="int32", name="label")
    x = layers.Flatten(name="flatten")(MaskCapsules(name="mask")([x, label]))
    for place, units in enumerate(fc_units, start=1):
        x = layers.Dense(units, "relu", name=f"decoder_fc{place}", **_start(0.1))(x)
    x = layers.Dense(math.prod(size), "sigmoid", dtype="float32", name="drawn", **_start(0.1))(x)
    x = layers.Reshape(size, dtype="float32", name="reconstruction")(x)
    return finish(name, [inputs, label], [lengths, x], weights)


def _start(stddev):
    """The code's start: truncated normal weights, biases 0.1."""
    return {"kernel_initializer": TruncatedNormal(stddev=stddev), "bias_initializer": Constant(0.1)}


def capsnet_baseline(
    filters=(256, 256, 128),
    kernel_size=5,
    fc_units=(328, 192),
    dropout=0.5,
    width=1.0,
    input_shape=(28, 28, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="capsnet_baseline",
):
    """Images (B, 28, 28, 1) -> probabilities (B, 10), by three convolutions of one size, without any pooling.

    Settings: filters of the convolutions, their kernel_size; fc_units of the hidden layers; dropout behind the last of
    these, whose rate no source gives; width, a factor of all filters. Layers: stage1 ... stage3, fc1, fc2, predictions.
    """
    whole_numbers(name, filters=filters, fc_units=fc_units)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor)
    for stage, count in enumerate(scaled(name, filters, width), start=1):
        x = Conv2D(count, kernel_size, padding="same", activation="relu", name=f"stage{stage}")(x)
    hidden = [layers.Dense(units, "relu", name=f"fc{place}") for place, units in enumerate(fc_units, start=1)]
    hidden.append(layers.Dropout(dropout, name="dropout"))
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return finish(name, inputs, x, weights)


register_family(capsnet, {"capsnet": {}})
register_family(capsnet_baseline, {"capsnet_baseline": {}})

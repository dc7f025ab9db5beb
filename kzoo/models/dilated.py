"""Dilated convolutions for segmentation: a front end made of VGG-16, and context modules of growing dilation.

Source: Yu & Koltun 2016, "Multi-scale context aggregation by dilated convolutions", arXiv:1511.07122, table 1, and the
authors' code.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import nearest, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.padding import Padding2D
from kzoo.models.blocks import (
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
from kzoo.models.weights import share_layers
from kzoo.types import Activation, PathLike, Shape, Tensor

DILATIONS = (1, 1, 2, 4, 8, 16, 1)
BASIC: dict[str, Any] = {"multiples": (1,) * 7, "stddev": 0.0}
LARGE: dict[str, Any] = {"multiples": (2, 2, 4, 8, 16, 32, 32), "stddev": 0.01}
CONTEXTS = {"basic": BASIC, "large": LARGE}
STAGES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
POOLED = 3  # stages that are pooled
SMALLEST = {"valid": 380, "same": 8}  # input, by padding
FC6_KERNEL = 7  # VGG's first dense layer as a convolution


def dilated_frontend(
    fc_units: int = 4096,
    dropout: float = 0.5,
    padding: str = "valid",
    upsample: int = 1,
    context: str | None = None,
    width: float = 1.0,
    input_shape: Shape = (900, 900, 3),
    input_tensor: Tensor | None = None,
    classes: int = 21,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "dilated_frontend",
) -> keras.Model:
    """Builds a segmentation network: VGG-16 with dilated convolutions in place of its last two pools.

    Shapes: images (B, H, W, 3) -> probabilities (B, (H - 372) / 8, (W - 372) / 8, 21). Nothing is padded: for an output
    of an eighth of an image's size, pad the image by 186 pixels ("reflect"). The smallest input is 380 x 380, or 8 x 8
    with padding="same".
    Settings: fc_units of the two wide layers and their dropout; padding, "valid" or "same"; upsample, a factor by which
    the class maps are enlarged bilinearly, also where their size is unknown (8 gives each pixel of a padded image a
    class); context, "basic" or "large",
    a zero-padded context module after the front end that is initialized as the identity; width, a factor of the filters
    of the VGG stages.
    Kernels of `logits` are initialized from N(0, 0.001^2), as in the authors' code, which takes all others of the front
    end from a trained VGG-16 (section 4); here Glorot's rule initializes these. `load_weights(model, "imagenet",
    source_model="vgg16")` loads VGG-16's, those of its dense layers fc1 and fc2 as fc6 and fc7.
    Layers: stage1 ... stage5, fc6, fc7, logits, context1 ... context8, predictions.
    """
    check_integer(name, fc_units=fc_units, upsample=upsample)
    check_rate(name, dropout=dropout)
    require(padding in SMALLEST, name, f"padding, {nearest(padding, SMALLEST)}", padding=padding)
    known = context is None or context in tuple(CONTEXTS)
    require(known, name, f"context, None or one of {', '.join(CONTEXTS)}", context=context)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=SMALLEST[padding])
    for stage, counts in enumerate(STAGES, start=1):
        dilation = 2 if stage == 5 else 1
        for number, units in enumerate(scale_filters(name, counts, width), start=1):
            label = _label(stage, number)
            x = Conv2D(units, 3, dilation_rate=dilation, padding=padding, activation="relu", name=label)(x)
        x = MaxPooling2D(2, name=f"stage{stage}")(x) if stage <= POOLED else x
    check_top(name, classes, pooling)
    if include_top:
        for label, kernel, dilation in (("fc6", FC6_KERNEL, 4), ("fc7", 1, 1)):
            more: dict[str, Any] = {"dilation_rate": dilation, "padding": padding, "activation": "relu", "name": label}
            x = Conv2D(fc_units, kernel, **more)(x)
            x = layers.Dropout(dropout, name=f"{label}_dropout")(x)
        x = Conv2D(classes, 1, kernel_initializer=RandomNormal(stddev=0.001), name="logits")(x)
        if context:
            names = [f"context{number}" for number in range(1, len(DILATIONS) + 2)]
            x = add_context(x, classes, names, DILATIONS, **CONTEXTS[context])
        x = _upsample(x, upsample) if upsample > 1 else x
        x = layers.Activation(classifier_activation, dtype="float32", name="predictions")(x)
    else:
        x = pool_features(name, x, pooling)
    return build_model(name, inputs, x, weights)


def _upsample(x, factor):
    """Enlarges maps bilinearly; those of unknown size, which Keras's layer refuses, as means of repeated pixels."""
    if None not in x.shape[1:3]:
        return layers.UpSampling2D(factor, interpolation="bilinear", name="upsampled")(x)
    odd = factor % 2 == 1
    x = layers.UpSampling2D(factor, name="repeated")(x)
    x = Padding2D(factor // 2, "replicate", name="repeated_padding")(x)
    x = layers.AveragePooling2D(factor, strides=1, name="upsampled" if odd else "repeated_mean")(x)
    return x if odd else layers.AveragePooling2D(2, strides=1, name="upsampled")(x)


def _label(stage, number):
    """Returns the name of a stage's convolution: that of the stage for the last one if no pool follows it."""
    last = stage > POOLED and number == len(STAGES[stage - 1])
    return f"stage{stage}" if last else f"stage{stage}_conv{number}"


def add_context(x, classes, names, dilations, multiples, stddev, padding="same", activation=None):
    """Applies the layers of a context module, named `names`, to class maps."""
    identity = {"class_name": "kzoo>IdentityKernel", "config": {"maps": classes, "stddev": stddev}}
    settings = {"kernel_initializer": identity, "padding": padding}
    for label, multiple, dilation in zip(names, multiples, dilations):
        x = Conv2D(multiple * classes, 3, dilation_rate=dilation, activation="relu", name=label, **settings)(x)
    return Conv2D(classes, 1, activation=activation, dtype="float32", name=names[-1], **settings)(x)


def context(
    multiples: Sequence[int] = BASIC["multiples"],
    dilations: Sequence[int] = DILATIONS,
    stddev: float = BASIC["stddev"],
    padding: str = "same",
    input_shape: Shape = (None, None, None),
    input_tensor: Tensor | None = None,
    classes: int = 21,
    weights: PathLike | None = None,
    classifier_activation: Activation = None,
    name: str = "context_basic",
) -> keras.Model:
    """Builds a context module: convolutions of doubling dilation on class maps, initialized as the identity.

    Shapes: class maps (B, H, W, 21) -> class maps, each pixel with a receptive field of 67 x 67. Any input size.
    As an identity at first, it can be appended to a trained model.
    Settings: multiples, the filters of each 3 x 3 convolution as multiples of `classes`; dilations and padding; stddev
    of the noise added to the identity.
    Layers: stage1 ... stage7, predictions.
    """
    check_integer_list(name, multiples=multiples, dilations=dilations)
    require(len(multiples) == len(dilations), name, "as many multiples as dilations", multiples=multiples)
    check_top(name, classes, None)
    shape = (*input_shape[:-1], classes) if input_shape[-1] is None else input_shape
    x = inputs = model_input(name, shape, input_tensor)
    names = [*(f"stage{stage}" for stage in range(1, len(dilations) + 1)), "predictions"]
    x = add_context(x, classes, names, dilations, multiples, stddev, padding, classifier_activation)
    return build_model(name, inputs, x, weights)


register_family(
    dilated_frontend,
    {"dilated_frontend": {}, "dilated_basic": {"context": "basic"}, "dilated_large": {"context": "large"}},
)
for _name in ("dilated_frontend", "dilated_basic", "dilated_large"):
    _layers = {
        _label(stage, number): f"stage{stage}_conv{number}"
        for stage, counts in enumerate(STAGES, start=1)
        for number in range(1, len(counts) + 1)
    }
    share_layers(_name, "vgg16", {**_layers, "fc6": "fc1", "fc7": "fc2"})
register_family(context, {"context_basic": {}, "context_large": LARGE})

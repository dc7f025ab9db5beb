"""Dilated convolutions for segmentation: a front end made of VGG-16, and context modules that see ever wider.

Source: Yu & Koltun 2016, "Multi-scale context aggregation by dilated convolutions", arXiv:1511.07122, table 1, and the
authors' code.
"""

from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import nearest, require
from kzoo.initializers.identity_kernel import IdentityKernel
from kzoo.layers.conv import Conv2D
from kzoo.models.blocks import check_top, finish, scaled, start, whole_number, whole_numbers, without_top
from kzoo.models.registry import register_family

DILATIONS = (1, 1, 2, 4, 8, 16, 1)
BASIC, LARGE = {"multiples": (1,) * 7, "stddev": 0.0}, {"multiples": (2, 2, 4, 8, 16, 32, 32), "stddev": 0.01}
CONTEXTS = {"basic": BASIC, "large": LARGE}
STAGES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
POOLED = 3  # stages that are pooled
PADDINGS = {"valid": 380, "same": 8}  # and the smallest input
REACH = 7  # cells of the convolution that takes the place of VGG's first dense layer


def dilated_frontend(
    fc_units=4096,
    dropout=0.5,
    padding="valid",
    upsample=1,
    context=None,
    width=1.0,
    input_shape=(900, 900, 3),
    input_tensor=None,
    classes=21,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="dilated_frontend",
):
    """Images (B, H, W, 3) -> probabilities (B, (H - 372) / 8, (W - 372) / 8, 21): VGG-16 with dilations for two pools.

    Nothing is padded: for an output of an eighth of an image, pad that by 186 cells ("reflect").
    Settings: fc_units of the two wide layers and their dropout; padding, "valid" or "same"; upsample, a factor of the
    classes' maps, between whose cells it is linear: with 8 a padded image gets a class for each of its pixels; context,
    "basic" or "large", a module behind it that starts as the identity and is padded by zeros; width, a factor of the
    filters before. Layers: stage1 ... stage5, fc6, fc7, logits, context1 ... context8, predictions. The smallest input
    is 380 x 380, or 8 x 8 where all is padded.
    """
    whole_number(name, fc_units=fc_units, upsample=upsample)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    require(padding in PADDINGS, name, f"padding, {nearest(padding, PADDINGS)}", padding=padding)
    known = context is None or context in tuple(CONTEXTS)
    require(known, name, f"context, None or one of {', '.join(CONTEXTS)}", context=context)
    x = inputs = start(name, input_shape, input_tensor, smallest=PADDINGS[padding])
    for stage, counts in enumerate(STAGES, start=1):
        dilation = 2 if stage == 5 else 1
        for place, units in enumerate(scaled(name, counts, width), start=1):
            last = stage > POOLED and place == len(counts)
            label = f"stage{stage}" if last else f"stage{stage}_conv{place}"
            x = Conv2D(units, 3, dilation_rate=dilation, padding=padding, activation="relu", name=label)(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}")(x) if stage <= POOLED else x
    check_top(name, classes, pooling)
    if include_top:
        for label, kernel, dilation in (("fc6", REACH, 4), ("fc7", 1, 1)):
            more = {"dilation_rate": dilation, "padding": padding, "activation": "relu", "name": label}
            x = Conv2D(fc_units, kernel, **more)(x)
            x = layers.Dropout(dropout, name=f"{label}_dropout")(x)
        x = Conv2D(classes, 1, kernel_initializer=RandomNormal(stddev=0.001), name="logits")(x)
        if context:
            labels = [f"context{place}" for place in range(1, len(DILATIONS) + 2)]
            x = aggregated(x, classes, labels, DILATIONS, **CONTEXTS[context])
        x = layers.UpSampling2D(upsample, interpolation="bilinear", name="upsampled")(x) if upsample > 1 else x
        x = layers.Activation(classifier_activation, dtype="float32", name="predictions")(x)
    else:
        x = without_top(name, x, pooling)
    return finish(name, inputs, x, weights)


def aggregated(x, classes, labels, dilations, multiples, stddev, padding="same", activation=None):
    """A context module's layers, of these names, on maps of classes."""
    started = {"kernel_initializer": IdentityKernel(classes, stddev), "padding": padding}
    for label, multiple, dilation in zip(labels, multiples, dilations):
        x = Conv2D(multiple * classes, 3, dilation_rate=dilation, activation="relu", name=label, **started)(x)
    return Conv2D(classes, 1, activation=activation, dtype="float32", name=labels[-1], **started)(x)


def context(
    multiples=BASIC["multiples"],
    dilations=DILATIONS,
    stddev=BASIC["stddev"],
    padding="same",
    input_shape=(None, None, None),
    input_tensor=None,
    classes=21,
    weights=None,
    classifier_activation=None,
    name="context_basic",
):
    """Maps of classes (B, H, W, 21) -> maps of classes, each cell having seen 67 x 67: dilations that double.

    It starts as the identity, so that it can be put behind a trained net.
    Settings: multiples of `classes` that each of the 3 x 3 convolutions has as filters, their dilations and padding;
    stddev of the noise around the identity at the start. Layers: stage1 ... stage7, predictions. Any size.
    """
    whole_numbers(name, multiples=multiples, dilations=dilations)
    require(len(multiples) == len(dilations), name, "as many multiples as dilations", multiples=multiples)
    check_top(name, classes, None)
    shape = (*input_shape[:-1], classes) if input_shape[-1] is None else input_shape
    x = inputs = start(name, shape, input_tensor)
    labels = [*(f"stage{stage}" for stage in range(1, len(dilations) + 1)), "predictions"]
    x = aggregated(x, classes, labels, dilations, multiples, stddev, padding, classifier_activation)
    return finish(name, inputs, x, weights)


register_family(
    dilated_frontend,
    {"dilated_frontend": {}, "dilated_basic": {"context": "basic"}, "dilated_large": {"context": "large"}},
)
register_family(context, {"context_basic": {}, "context_large": LARGE})

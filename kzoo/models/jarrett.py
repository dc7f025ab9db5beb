"""Stages of filters, rectification, contrast normalisation and pooling, whose filters may as well be random.

Source: Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, "What is the best multi-stage architecture for object recognition?"
"""

import keras
from keras import layers, ops

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_contrast_normalization import LocalContrastNormalization
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.blocks import classify, finish, scaled, start, whole_number, whole_numbers
from kzoo.models.registry import register_family

POOLS = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}


@keras.saving.register_keras_serializable("kzoo")
def rectified(x):
    """|x|, to be a layer's activation."""
    return ops.abs(x)


def jarrett(
    filters=(64, 256),
    kernel=9,
    connections=16,
    pools=((10, 5), (6, 4)),
    pool="average",
    rectify=True,
    normalize=True,
    normalization=9,
    trainable_filters=False,
    width=1.0,
    input_shape=(151, 151, 1),
    input_tensor=None,
    classes=102,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="jarrett",
):
    """Grey images (B, 151, 151, 1) -> probabilities (B, 102): two stages that are not trained, and a dense layer.

    A stage is g tanh(convolution), a gain g a map; its absolute value (R_abs); local contrast normalisation over all
    maps (N); a pool (P_A or P_M). Before the first stage the image itself is normalised.
    Settings: filters of each stage and their kernel; connections, how many maps, drawn once, each filter reads from the
    second stage on; pools, size and strides of each stage; pool, "average" or "max"; rectify and normalize, whether
    stages have these parts; normalization, the side of its windows; trainable_filters, with their gains, which the
    published random nets do not train; width, a factor of all filters. The paper does not say how random filters are
    drawn; here their answers to normalised images have deviations of about 1.
    Layers: normalize, stage1 ... (pooled), predictions. The smallest input is 91 x 91.
    """
    whole_numbers(name, filters=filters)
    several = isinstance(pools, (tuple, list)) and len(pools) == len(filters)
    require(several, name, f"pools, a (size, strides) for each of {len(filters)} stages", pools=pools)
    for pair in pools:
        whole_numbers(name, pools=pair)
    whole_number(name, kernel=kernel, connections=connections)
    require(pool in POOLS, name, f"pool, one of {tuple(POOLS)}", pool=pool)
    least = 1
    for size, strides in reversed(pools):  # what one cell of the last map sees
        least = (least - 1) * strides + size + kernel - 1
    x = inputs = start(name, input_shape, input_tensor, smallest=least + normalization - 1)
    x = LocalContrastNormalization(normalization, padding="valid", name="normalize")(x)
    counts = scaled(name, filters, width)
    for stage, (units, (size, strides)) in enumerate(zip(counts, pools), start=1):
        label, fixed = f"stage{stage}", {"use_bias": False, "trainable": trainable_filters}
        more = {"activation": "tanh", "kernel_initializer": "lecun_normal", "name": f"{label}_conv", **fixed}
        if stage == 1:
            conv = Conv2D(units, kernel, **more)
        else:
            conv = TableConv2D(units, kernel, connections=min(connections, x.shape[-1]), seed=stage, **more)
        more = {"activation": rectified if rectify else None, "depthwise_initializer": "ones", **fixed}
        x = layers.DepthwiseConv2D(1, name=f"{label}_gain", **more)(conv(x))
        x = LocalContrastNormalization(normalization, name=f"{label}_norm")(x) if normalize else x
        x = POOLS[pool](size, strides, name=label)(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling)
    return finish(name, inputs, x, weights)


register_family(
    jarrett,
    {
        "jarrett": {},
        "jarrett_one_stage": {"filters": (64,), "pools": ((10, 5),)},
        "jarrett_trained": {"trainable_filters": True},
    },
)

"""Stages of filters, rectification, contrast normalization and pooling, whose filters may be random.

Source: Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, "What is the best multi-stage architecture for object recognition?"
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_contrast_normalization import LocalContrastNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.blocks import add_top, build_model, check_integer, check_integer_list, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

POOLS = {"average": layers.AveragePooling2D, "max": MaxPooling2D}


@keras.saving.register_keras_serializable("kzoo")
def rectified(x):
    """Returns |x|; the activation of rectified stages."""
    return ops.abs(x)


def jarrett(
    filters: Sequence[int] = (64, 256),
    kernel: int = 9,
    connections: int = 16,
    pools: Sequence[Sequence[int]] = ((10, 5), (6, 4)),
    pool: str = "average",
    rectify: bool = True,
    normalize: bool = True,
    normalization: int = 9,
    trainable_filters: bool = False,
    width: float = 1.0,
    input_shape: Shape = (151, 151, 1),
    input_tensor: Tensor | None = None,
    classes: int = 102,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "jarrett",
) -> keras.Model:
    """Builds two stages of random filters that are not trained, and a dense layer that is.

    Shapes: grey images (B, 151, 151, 1) -> probabilities (B, 102). The smallest input is 91 x 91.
    A stage is g tanh(convolution), with one gain g per map; its absolute value (R_abs); local contrast normalization
    over all maps (N); pooling (P_A or P_M). The image itself is normalized before the first stage.
    Settings: filters of each stage and their kernel; connections, how many maps, drawn once, each filter after the
    first stage reads; pools, size and strides of each stage; pool, "average" or "max"; rectify and normalize, whether
    stages have these parts; normalization, the side of its windows; trainable_filters, whether filters and gains are
    trained (in the published random networks they are not); width, a factor of all filters.
    The paper does not say how random filters are drawn; here their responses to normalized images have standard
    deviations of about 1.
    Layers: normalize, stage1 ... (pooled), predictions.
    """
    check_integer_list(name, filters=filters)
    several = isinstance(pools, (tuple, list)) and len(pools) == len(filters)
    require(several, name, f"pools, a (size, strides) for each of {len(filters)} stages", pools=pools)
    for pair in pools:
        check_integer_list(name, pools=pair)
    check_integer(name, kernel=kernel, connections=connections)
    require(pool in POOLS, name, f"pool, one of {tuple(POOLS)}", pool=pool)
    least = 1
    for size, strides in reversed(pools):  # the receptive field of a pixel of the last map
        least = (least - 1) * strides + size + kernel - 1
    x = inputs = model_input(name, input_shape, input_tensor, smallest=least + normalization - 1)
    x = LocalContrastNormalization(normalization, padding="valid", name="normalize")(x)
    counts = scale_filters(name, filters, width)
    for stage, (units, (size, strides)) in enumerate(zip(counts, pools), start=1):
        label, fixed = f"stage{stage}", {"use_bias": False, "trainable": trainable_filters}
        more: dict[str, Any] = {
            "activation": "tanh",
            "kernel_initializer": "lecun_normal",
            "name": f"{label}_conv",
            **fixed,
        }
        if stage == 1:
            conv = Conv2D(units, kernel, **more)
        else:
            conv = TableConv2D(units, kernel, connections=min(connections, x.shape[-1]), seed=stage, **more)
        more = {"activation": rectified if rectify else None, "depthwise_initializer": "ones", **fixed}
        x = layers.DepthwiseConv2D(1, name=f"{label}_gain", **more)(conv(x))
        x = LocalContrastNormalization(normalization, name=f"{label}_norm")(x) if normalize else x
        x = POOLS[pool](size, strides, name=label)(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling)
    return build_model(name, inputs, x, weights)


register_family(
    jarrett,
    {
        "jarrett": {},
        "jarrett_one_stage": {"filters": (64,), "pools": ((10, 5),)},
        "jarrett_trained": {"trainable_filters": True},
    },
)

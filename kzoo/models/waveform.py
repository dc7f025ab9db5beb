"""Very deep networks for raw waveforms: M3, M5, M11 and M18, whose first kernels span ten milliseconds of sound.

Source: Dai, Dai, Qu, Li & Das 2017, "Very deep convolutional neural networks for raw waveforms", arXiv:1610.00087,
table 1. Its M34-res is not included, because the paper does not describe the shortcuts between its stages.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.checks import is_integer, require
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.conv import Conv1D
from kzoo.layers.max_pooling import MaxPooling1D
from kzoo.models.blocks import add_top, build_model, check_integer_list, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def waveform(
    filters: Sequence[int] = (128, 128, 256, 512),
    convolutions: Sequence[int] = (1, 1, 1, 1),
    pools: int = 4,
    width: float = 1.0,
    input_shape: Shape = (32000, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "m5",
) -> keras.Model:
    """Builds a network of 1D convolutions on raw sound.

    Shapes: sound (B, 32000, 1), four seconds at 8 kHz, mean 0 and variance 1 -> probabilities (B, 10). Any length.
    Settings: filters and number of convolutions of each stage; pools, how many stages end in max pooling by 4; width, a
    factor of all filters. The first convolution has kernels of 80 samples and strides of 4, all others kernels of 3.
    Each is followed by a batch norm and keeps its bias, of which the paper says nothing. Kernels are initialized by
    Glorot's rule, as in the paper, which counts 0.2, 0.5, 1.8 and 3.7 million parameters.
    Layers: stage1_conv1, stage1_norm1 ..., stage1 ... (pooled), predictions.
    """
    check_integer_list(name, filters=filters, convolutions=convolutions)
    require(len(filters) == len(convolutions) > 0, name, "as many filters as convolutions", filters=filters)
    known = is_integer(pools, least=0) and pools <= len(filters)
    require(known, name, f"pools, an integer from 0 to {len(filters)}", pools=pools)
    x = inputs = model_input(name, input_shape, input_tensor)
    for stage, (count, units) in enumerate(zip(convolutions, scale_filters(name, filters, width)), start=1):
        label, pooled = f"stage{stage}", stage <= pools
        for number in range(1, count + 1):
            kernel, strides = (80, 4) if stage == number == 1 else (3, 1)
            conv = Conv1D(units, kernel, strides=strides, padding="same", name=f"{label}_conv{number}")
            x = BatchNormalization(name=f"{label}_norm{number}")(conv(x))
            x = layers.ReLU(name=f"{label}_relu{number}" if pooled or number < count else label)(x)
        x = MaxPooling1D(4, padding="same", name=label)(x) if pooled else x
    if include_top:
        x = layers.GlobalAveragePooling1D(name="avg_pool")(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling)
    return build_model(name, inputs, x, weights)


DEEP = (64, 64, 128, 256, 512)
register_family(
    waveform,
    {
        "m3": {"filters": (256, 256), "convolutions": (1, 1), "pools": 2},
        "m5": {},
        "m11": {"filters": DEEP, "convolutions": (1, 2, 2, 3, 2)},
        "m18": {"filters": DEEP, "convolutions": (1, 4, 4, 4, 4)},
    },
)

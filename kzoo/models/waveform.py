"""Very deep networks for raw waveforms: M3, M5, M11 and M18, whose first kernels span ten milliseconds of sound.

Source: Dai, Dai, Qu, Li & Das 2017, "Very deep convolutional neural networks for raw waveforms", arXiv:1610.00087,
table 1; its M34-res is not here, because the shortcuts between its stages are not told.
"""

from keras import layers

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv1D
from kzoo.models.blocks import classify, finish, scaled, start, whole_numbers
from kzoo.models.registry import register_family


def waveform(
    filters=(128, 128, 256, 512),
    convolutions=(1, 1, 1, 1),
    pools=4,
    width=1.0,
    input_shape=(32000, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="m5",
):
    """Sound (B, 32000, 1), four seconds at 8 kHz, mean 0 and variance 1 -> probabilities (B, 10), by 1D convolutions.

    Settings: filters and convolutions of each stage, the first stage's one of 80 samples by strides of 4, all others of
    3; pools, how many stages end in a fourfold max pool; width, a factor of all filters. A batch norm follows each
    convolution, which keeps its bias: the paper does not say. Weights start as Glorot's, as the paper's do; its counts
    are 0.2, 0.5, 1.8 and 3.7 million.
    Layers: stage1_conv1, stage1_norm1 ..., stage1 ... (pooled), predictions. Any length.
    """
    whole_numbers(name, filters=filters, convolutions=convolutions)
    require(len(filters) == len(convolutions) > 0, name, "as many filters as convolutions", filters=filters)
    known = is_integer(pools, least=0) and pools <= len(filters)
    require(known, name, f"pools, an integer from 0 to {len(filters)}", pools=pools)
    x = inputs = start(name, input_shape, input_tensor)
    for stage, (count, units) in enumerate(zip(convolutions, scaled(name, filters, width)), start=1):
        label, pooled = f"stage{stage}", stage <= pools
        for place in range(1, count + 1):
            kernel, strides = (80, 4) if stage == place == 1 else (3, 1)
            conv = Conv1D(units, kernel, strides=strides, padding="same", name=f"{label}_conv{place}")
            x = layers.BatchNormalization(name=f"{label}_norm{place}")(conv(x))
            x = layers.ReLU(name=f"{label}_relu{place}" if pooled or place < count else label)(x)
        x = layers.MaxPooling1D(4, padding="same", name=label)(x) if pooled else x
    if include_top:
        x = layers.GlobalAveragePooling1D(name="avg_pool")(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling)
    return finish(name, inputs, x, weights)


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

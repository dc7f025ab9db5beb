"""A fixed bank of Gabor filters, as the first layer of sight, under a trained classifier or a small ConvNet.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.10, for the filters and complex cells. It gives
no net and no recipe: what stands on them, all sizes, and zoo_configs/small_gabor.yaml are chosen here.
"""

from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.models.blocks import classify, finish, start, whole_number, whole_numbers
from kzoo.models.registry import register_family


def gabor_net(
    filters=32,
    kernel=11,
    pool=4,
    energy=True,
    trainable_bank=False,
    convolutions=(),
    dropout=0.0,
    input_shape=(28, 28, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="gabor_net",
):
    """Images (B, 28, 28, 1) -> probabilities (B, 10): Gabor filters, means of windows, one dense layer.

    Settings: filters of the bank, which see the sum of the channels, and their kernel; pool, the side of the windows;
    energy, complex cells (else simple ones, rectified); trainable_bank, eight numbers a filter; convolutions, the
    filters of trained 3 x 3 convolutions on the pooled maps, each with 2 x 2 max pooling; dropout before the
    classifier. `standardize` learns the maps' means and deviations from data by `kzoo.models.adapt`, until when it
    changes nothing. Layers: stage1 (pooled), standardize, stage2 ..., predictions. The smallest input is
    pool * 2^len(convolutions) a side.
    """
    whole_numbers(name, convolutions=convolutions)
    whole_number(name, filters=filters, kernel=kernel, pool=pool)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor, smallest=pool * 2 ** len(convolutions))
    more = {"padding": "same", "energy": energy, "activation": None if energy else "relu", "trainable": trainable_bank}
    x = GaborConv2D(filters, kernel, name="stage1_gabor", **more)(x)
    x = layers.AveragePooling2D(pool, name="stage1")(x)
    x = layers.Normalization(name="standardize")(x)
    for stage, units in enumerate(convolutions, start=2):
        x = Conv2D(units, 3, padding="same", activation="relu", name=f"stage{stage}_conv")(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}")(x)
    hidden = [layers.Dropout(dropout, name="predictions_dropout")] if dropout else []
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return finish(name, inputs, x, weights)


register_family(
    gabor_net,
    {
        "gabor_net": {},
        "gabor_net_trained": {"trainable_bank": True},
        "gabor_net_conv": {"convolutions": (64,)},
    },
)

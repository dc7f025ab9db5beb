"""All-CNN and its relatives: strided convolutions do what pooling did.

Source: Springenberg, Dosovitskiy, Brox & Riedmiller 2015, "Striving for simplicity: the all convolutional net",
arXiv:1412.6806, tables 1 and 2.
"""

from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.models.blocks import average, finish, scaled, start
from kzoo.models.registry import register_family

DOWN = ("convolution", "stride", "pool", "both")
KERNELS = {"A": [5], "C": [3, 3]}  # of a stage


def all_cnn(
    base="C",
    down="convolution",
    width=1.0,
    dropout=0.5,
    input_dropout=0.2,
    input_shape=(32, 32, 3),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="all_cnn_c",
):
    """Images (B, 32, 32, 3), whitened -> probabilities (B, 10): 3 x 3 and 1 x 1 convolutions, nothing else.

    Settings: base, "C" two 3 x 3 convolutions a stage, "A" one of 5 x 5; down, how a stage halves the size:
    "convolution", a strided one more (All-CNN), "stride" in the stage's last (Strided-CNN), "pool" 3 x 3 (the model
    they are compared with), "both" a convolution and a pool (ConvPool-CNN); dropout behind each, and on the input;
    width, a factor of all filters. Layers: stage1 ... stage3, predictions. Any size.
    """
    require(base in KERNELS, name, f"base, one of {tuple(KERNELS)}", base=base)
    require(down in DOWN, name, f"down, one of {DOWN}", down=down)
    for setting, rate in {"dropout": dropout, "input_dropout": input_dropout}.items():
        require(0 <= rate < 1, name, f"{setting}, at least 0 and below 1", **{setting: rate})

    def conv(label, units, kernel, strides=1):
        start = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
        return Conv2D(units, kernel, strides=strides, name=label, **start)

    first, second = scaled(name, (96, 192), width)
    x = inputs = start(name, input_shape, input_tensor)
    x = layers.Dropout(input_dropout, name="input_dropout")(x)
    for stage, units in enumerate((first, second), start=1):
        kernels = KERNELS[base] + [3] * (down in ("convolution", "both"))
        for place, kernel in enumerate(kernels, start=1):
            strided = place == len(kernels) and down in ("convolution", "stride")
            label = f"stage{stage}" if strided else f"stage{stage}_conv{place}"
            x = conv(label, units, kernel, 2 if strided else 1)(x)
        if down in ("pool", "both"):
            x = layers.MaxPooling2D(3, 2, "same", name=f"stage{stage}")(x)
        x = layers.Dropout(dropout, name=f"stage{stage}_dropout")(x)
    x = conv("stage3_conv1", second, 3)(x)
    x = conv("stage3", second, 1)(x)
    x = average(
        name, x, include_top, classes, classifier_activation, pooling, lambda units: conv("stage3_conv3", units, 1)
    )
    return finish(name, inputs, x, weights)


register_family(
    all_cnn,
    {
        "all_cnn_c": {},
        "strided_cnn_c": {"down": "stride"},
        "conv_pool_cnn_c": {"down": "both"},
        "model_c": {"down": "pool"},
        "model_a": {"base": "A", "down": "pool"},
        "all_cnn_a": {"base": "A"},
    },
)

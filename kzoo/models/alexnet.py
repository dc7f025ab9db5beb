"""AlexNet in its two towers, without towers, in one tower, and with layers taken out; and Zeiler and Fergus's net.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", for
the two towers; Krizhevsky 2014, arXiv:1404.5997, and its author's configuration, for the single tower; Zeiler & Fergus
2014, arXiv:1311.2901, for their net (figure 3) and the removals (table 3).
"""

from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.models.blocks import apply, ceil_pool, classify, finish, scaled, start, whole_numbers
from kzoo.models.registry import register_family

REMOVABLE = (3, 4, 6, 7)


def alexnet(
    filters=(96, 256, 384, 384, 256),
    groups=2,
    normalize=True,
    linear_first=False,
    pool_first=False,
    ceil=True,
    first=(11, 4, 0),
    second=(5, 1, 2),
    fc_units=(4096, 4096),
    dropout=0.5,
    dropout_first=False,
    remove=(),
    width=1.0,
    input_shape=(227, 227, 3),
    input_tensor=None,
    classes=1000,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="alexnet",
):
    """Images (B, 227, 227, 3), the mean taken off -> probabilities (B, 1000): five convolutions, two dense layers.

    The paper says 224, but its 55 x 55 maps need 227.
    Settings: filters of the five convolutions, and `width`, a factor of them; groups of the second, fourth and fifth, 2
    for two towers; normalize, local response normalisation after the first two; linear_first, normalise before the
    first ReLU; pool_first, pool before normalising; ceil, pools round sizes up, or, as in torchvision, down; kernel,
    strides and padding of the first and the second; fc_units of the hidden layers and their dropout, before them if
    dropout_first; remove, any of the layers 3, 4, 6, 7: the layer behind takes what the layer before gives.
    Layers: stage1 ... stage5, fc6, fc7, predictions. The smallest input of alexnet is 39 x 39, of
    zfnet 47 x 47, of alexnet_torchvision 63 x 63.
    """
    whole_numbers(name, filters=filters, fc_units=fc_units)
    require(len(filters) == 5, name, "filters of five convolutions", filters=filters)
    require(len(fc_units) == 2, name, "fc_units of two hidden layers", fc_units=fc_units)
    known = isinstance(remove, (tuple, list)) and all(layer in REMOVABLE for layer in remove)
    require(known, name, f"remove, a list of layers of {REMOVABLE}", remove=remove)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    least = 4 if ceil else 7  # cells before the second pool
    for kernel, strides, padding in (second, first):
        smallest = (least - 1) * strides + kernel - 2 * padding
        least = 2 * smallest + (not ceil)
    counts = scaled(name, filters, width, multiple=groups)

    def conv(x, stage, kernel=3, strides=1, padding=1, activation="relu"):
        paired = stage in (2, 4, 5)  # whose halves see their own tower alone, and whose biases start at 1
        label = f"stage{stage}" if stage in (3, 4) else f"stage{stage}_conv"
        layer = Conv2D(
            counts[stage - 1],
            kernel,
            strides=strides,
            padding=padding,
            groups=groups if paired else 1,
            activation=activation,
            name=label,
            **_start(paired),
        )
        return layer(x)

    def pool(x, label):
        return ceil_pool(x, label) if ceil else layers.MaxPooling2D(3, 2, name=label)(x)

    def norm_and_pool(x, stage):
        parts = [LocalResponseNormalization(name=f"stage{stage}_norm")] if normalize else []
        parts += [layers.ReLU(name="stage1_relu")] if linear_first and stage == 1 else []
        if pool_first:
            return apply(parts, pool(x, f"stage{stage}"))
        return pool(apply(parts, x), f"stage{stage}")

    x = inputs = start(name, input_shape, input_tensor, smallest=smallest)
    x = norm_and_pool(conv(x, 1, *first, activation=None if linear_first else "relu"), 1)
    x = norm_and_pool(conv(x, 2, *second), 2)
    for stage in (3, 4):
        x = x if stage in remove else conv(x, stage)
    x = pool(conv(x, 5), "stage5")

    def hidden(layer, units):
        dense = layers.Dense(units, "relu", name=f"fc{layer}", **_start(True))
        drop = layers.Dropout(dropout, name=f"fc{layer}_dropout")
        return [drop, dense] if dropout_first else [dense, drop]

    kept = [part for layer, units in zip((6, 7), fc_units) if layer not in remove for part in hidden(layer, units)]
    x = classify(name, x, include_top, classes, classifier_activation, pooling, kept, **_start(False))
    return finish(name, inputs, x, weights)


def _start(ones):
    """The paper's start: weights N(0, 0.01), biases 1, so that ReLUs are alive, or 0."""
    return {"kernel_initializer": RandomNormal(stddev=0.01), "bias_initializer": "ones" if ones else "zeros"}


ONE = {"filters": (64, 192, 384, 256, 256), "groups": 1}
register_family(
    alexnet,
    {
        "alexnet": {},
        "alexnet_dense": {"groups": 1},
        "alexnet_one_tower": {**ONE, "linear_first": True},
        "alexnet_torchvision": {
            **ONE,
            "normalize": False,
            "ceil": False,
            "first": (11, 4, 2),
            "dropout_first": True,
            "input_shape": (224, 224, 3),
        },
        "zfnet": {
            "groups": 1,
            "pool_first": True,
            "first": (7, 2, 1),
            "second": (5, 2, 0),
            "input_shape": (224, 224, 3),
        },
    },
)

"""Deep fried convnets: Caffe's LeNet, whose large dense layer is a Fastfood transform.

Source: Yang et al. 2015, "Deep fried convnets", arXiv:1412.7149; the LeNet of Caffe's examples.
"""

from keras import layers

from kzoo.checks import is_integer, nearest, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.fastfood import Fastfood
from kzoo.models.blocks import classify, finish, scaled, start
from kzoo.models.registry import register_family

HIDDEN = {"fastfood": Fastfood, "dense": layers.Dense}


def deep_fried(
    hidden="fastfood",
    fc_units=1024,
    adaptive=True,
    dropout=0.5,
    width=1.0,
    input_shape=(28, 28, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="deep_fried_1024",
):
    """Digits (B, 28, 28, 1) in [0, 1] -> probabilities (B, 10): two convolutions, one transform of their maps.

    The published counts, 38,821 (a slip of 38,812) and 52,124, are of weights without biases.
    Settings: hidden, "fastfood", or "dense" as in Caffe's LeNet; fc_units, its size; adaptive, whether the transform
    is trained; dropout behind it; width, a factor of the filters. Layers: stage1, stage2 (pooled), fc1, predictions.
    The smallest input is 16 x 16.
    """
    require(hidden in HIDDEN, name, f"hidden, {nearest(hidden, HIDDEN)}", hidden=hidden)
    require(is_integer(fc_units, least=1), name, "fc_units, an integer above 0", fc_units=fc_units)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor, smallest=16)
    for stage, units in enumerate(scaled(name, (20, 50), width), start=1):
        x = Conv2D(units, 5, name=f"stage{stage}_conv")(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}")(x)
    more = {"trainable": adaptive, "seed": 0} if hidden == "fastfood" else {}
    parts = [HIDDEN[hidden](fc_units, name="fc1", **more), layers.ReLU(name="fc1_relu")]
    parts += [layers.Dropout(dropout, name="fc1_dropout")] if dropout else []
    x = classify(name, x, include_top, classes, classifier_activation, pooling, parts)
    return finish(name, inputs, x, weights)


register_family(
    deep_fried,
    {
        "deep_fried_1024": {},
        "deep_fried_2048": {"fc_units": 2048},
        "lenet_caffe": {"hidden": "dense", "fc_units": 500, "dropout": 0.0},
    },
)

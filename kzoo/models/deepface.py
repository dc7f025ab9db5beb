"""DeepFace: after two convolutions, layers with a kernel for each place, as aligned faces have their eyes in one place.

Source: Taigman, Yang, Ranzato & Wolf 2014, "DeepFace: closing the gap to human-level performance in face
verification", section 2.2. The paper says more than 120 million parameters; its layers have 118,923,774.
"""

from keras import layers
from keras.initializers import Constant, RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.locally_connected import LocallyConnected2D
from kzoo.models.blocks import ceil_pool, classify, finish, scaled, start
from kzoo.models.registry import register_family


def deepface(
    fc_units=4096,
    dropout=0.5,
    width=1.0,
    input_shape=(152, 152, 3),
    input_tensor=None,
    classes=4030,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="deepface",
):
    """Aligned faces (B, 152, 152, 3) in [0, 1] -> probabilities of people (B, 4030), by locally connected layers.

    Settings: fc_units of the hidden layer and its dropout; width, a factor of all filters. Layers: stage1 (pooled),
    stage2 (convolution), stage3 ... stage5 (locally connected), fc7, predictions. The smallest input is 72 x 72.
    """
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    first, units = scaled(name, (32, 16), width)
    x = inputs = start(name, input_shape, input_tensor, smallest=72)
    started = {"kernel_initializer": RandomNormal(stddev=0.01), "bias_initializer": Constant(0.5)}
    more = {"activation": "relu", **started}
    x = ceil_pool(Conv2D(first, 11, name="stage1_conv", **more)(x), "stage1")
    x = Conv2D(units, 9, name="stage2", **more)(x)
    for stage, (kernel, strides) in enumerate([(9, 1), (7, 2), (5, 1)], start=3):
        x = LocallyConnected2D(units, kernel, strides=strides, name=f"stage{stage}", **more)(x)
    hidden = [layers.Dense(fc_units, name="fc7", **more), layers.Dropout(dropout, name="fc7_dropout")]
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden, **started)
    return finish(name, inputs, x, weights)


register_family(deepface, {"deepface": {}})

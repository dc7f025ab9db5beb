"""VGG: small kernels stacked deep, from 11 to 19 layers.

Source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556, table 1.
"""

from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.models.blocks import classify, finish, hidden_layers, scaled, start, whole_numbers
from kzoo.models.registry import register_family

FILTERS = (64, 128, 256, 512, 512)


def vgg(
    convolutions=(2, 2, 3, 3, 3),
    pointwise_last=False,
    normalize=False,
    fc_units=(4096, 4096),
    dropout=0.5,
    width=1.0,
    input_shape=(224, 224, 3),
    input_tensor=None,
    classes=1000,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="vgg16",
):
    """Images (B, 224, 224, 3), the mean taken off -> probabilities (B, 1000): five stages of 3 x 3 convolutions.

    Settings: convolutions of each stage; pointwise_last, the third of a stage is 1 x 1 (configuration C); normalize,
    local response normalisation after the first (A-LRN); fc_units of the hidden layers and their dropout; width, a
    factor of all filters. Weights start as Glorot's, which the authors found to do without pre-training.
    Layers: stage1_conv1 ..., stage1 ... stage5 (the pooled maps), fc1, fc2, predictions. The smallest input is 32 x 32.
    """
    whole_numbers(name, convolutions=convolutions, fc_units=fc_units)
    require(len(convolutions) == 5, name, "convolutions of five stages", convolutions=convolutions)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor, smallest=32)
    for stage, (count, units) in enumerate(zip(convolutions, scaled(name, FILTERS, width)), start=1):
        for place in range(1, count + 1):
            kernel = 1 if pointwise_last and place == 3 else 3
            x = Conv2D(units, kernel, padding="same", activation="relu", name=f"stage{stage}_conv{place}")(x)
            if normalize and stage == place == 1:
                x = LocalResponseNormalization(name="stage1_norm")(x)
        x = layers.MaxPooling2D(2, name=f"stage{stage}")(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden_layers(fc_units, dropout))
    return finish(name, inputs, x, weights)


register_family(
    vgg,
    {
        "vgg11": {"convolutions": (1, 1, 2, 2, 2)},
        "vgg11_lrn": {"convolutions": (1, 1, 2, 2, 2), "normalize": True},
        "vgg13": {"convolutions": (2, 2, 2, 2, 2)},
        "vgg16": {},
        "vgg16_1x1": {"pointwise_last": True},
        "vgg19": {"convolutions": (2, 2, 4, 4, 4)},
    },
)

"""C3D: 3 x 3 x 3 convolutions all through a clip; and the shallower net by which its authors chose that kernel.

Source: Tran, Bourdev, Fergus, Torresani & Paluri 2015, "Learning spatiotemporal features with 3D convolutional
networks", arXiv:1412.0767, figure 3 and section 3.1; the authors' Caffe files, whose pools round up.
"""

from keras import layers

from kzoo.checks import require
from kzoo.layers.conv import Conv3D
from kzoo.models.blocks import classify, finish, hidden_layers, scaled, start, whole_number, whole_numbers
from kzoo.models.registry import register_family


def c3d(
    filters=(64, 128, 256, 512, 512),
    convolutions=(1, 1, 2, 2, 2),
    depth=3,
    fc_units=(4096, 4096),
    dropout=0.5,
    width=1.0,
    input_shape=(16, 112, 112, 3),
    input_tensor=None,
    classes=487,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="c3d",
):
    """Clips (B, 16, 112, 112, 3), frames first, the mean taken off -> probabilities (B, 487): five stages.

    Settings: filters and convolutions of each stage; depth of the kernels in time, 1 to see frames alone, the paper
    tried 1, 3, 5 and 7; fc_units of the hidden layers and their dropout; width, a factor of all filters. The first pool
    leaves time alone, the others halve it. Layers: stage1_conv1 ..., stage1 ... stage5 (the pooled maps), fc6, fc7,
    predictions. Any size, a clip of one frame too.
    """
    whole_numbers(name, filters=filters, convolutions=convolutions, fc_units=fc_units)
    whole_number(name, depth=depth)
    five = len(filters) == len(convolutions) == 5
    require(five, name, "filters and convolutions of five stages", filters=filters, convolutions=convolutions)
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    x = inputs = start(name, input_shape, input_tensor)
    for stage, (count, units) in enumerate(zip(convolutions, scaled(name, filters, width)), start=1):
        for place in range(1, count + 1):
            conv = Conv3D(units, (depth, 3, 3), padding="same", activation="relu", name=f"stage{stage}_conv{place}")
            x = conv(x)
        # "same" rounds up as Caffe does: whole windows of 2 start at the first cell, and what is added never wins
        x = layers.MaxPooling3D((1 if stage == 1 else 2, 2, 2), padding="same", name=f"stage{stage}")(x)
    hidden = hidden_layers(fc_units, dropout, first=6)
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return finish(name, inputs, x, weights)


register_family(
    c3d,
    {
        "c3d": {},
        "c3d_ucf101": {
            "filters": (64, 128, 256, 256, 256),
            "convolutions": (1, 1, 1, 1, 1),
            "fc_units": (2048, 2048),
            "classes": 101,
        },
    },
)

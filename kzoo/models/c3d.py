"""C3D: 3 x 3 x 3 convolutions for video clips; and the shallower network by which its authors chose that kernel.

Source: Tran, Bourdev, Fergus, Torresani & Paluri 2015, "Learning spatiotemporal features with 3D convolutional
networks", arXiv:1412.0767, figure 3 and section 3.1; the authors' Caffe files for the initial values and for the
pools, which round up.
"""

import functools
from collections.abc import Sequence

import keras

from kzoo.checks import require
from kzoo.layers.conv import Conv3D
from kzoo.layers.max_pooling import MaxPooling3D
from kzoo.models.blocks import (
    add_top,
    build_model,
    check_integer,
    check_integer_list,
    check_rate,
    gaussian,
    hidden_layers,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, Initializer, PathLike, Shape, Tensor


def c3d(
    filters: Sequence[int] = (64, 128, 256, 512, 512),
    convolutions: Sequence[int] = (1, 1, 2, 2, 2),
    depth: int = 3,
    fc_units: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    kernel_initializer: Initializer = None,
    width: float = 1.0,
    input_shape: Shape = (16, 112, 112, 3),
    input_tensor: Tensor | None = None,
    classes: int = 487,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "c3d",
) -> keras.Model:
    """Builds C3D, a network of 3D convolutions in five stages.

    Shapes: clips (B, 16, 112, 112, 3), frames first, the mean subtracted -> probabilities (B, 487). Any input size,
    also a clip of one frame.
    Settings: filters and convolutions of each stage; depth of the kernels in time (the paper tried 1, which sees single
    frames, 3, 5 and 7); fc_units of the hidden layers and their dropout; kernel_initializer, which with biases of 0
    replaces the authors' initial values; width, a factor of all filters. The first pool keeps the number of frames, the
    others halve it.
    The authors' kernels are initialized from N(0, 0.01^2), those of hidden layers from N(0, 0.005^2); biases of the
    first convolution and of the classifier are 0, all others 1. Narrow networks do not learn from these values, but
    with kernel_initializer="glorot_uniform".
    Layers: stage1_conv1 ..., stage1 ... stage5 (the pooled maps), fc6, fc7, predictions.
    """
    check_integer_list(name, filters=filters, convolutions=convolutions, fc_units=fc_units)
    check_integer(name, depth=depth)
    five = len(filters) == len(convolutions) == 5
    require(five, name, "filters and convolutions of five stages", filters=filters, convolutions=convolutions)
    check_rate(name, dropout=dropout)
    start = functools.partial(gaussian, kernel_initializer=kernel_initializer)
    x = inputs = model_input(name, input_shape, input_tensor)
    for stage, (count, units) in enumerate(zip(convolutions, scale_filters(name, filters, width)), start=1):
        for number in range(1, count + 1):
            more = {"padding": "same", "activation": "relu", "name": f"stage{stage}_conv{number}"}
            x = Conv3D(units, (depth, 3, 3), **more, **start(0.01, 0 if stage == number == 1 else 1))(x)
        # "same" rounds sizes up, as Caffe does: only the last window is padded, and padding never wins
        x = MaxPooling3D((1 if stage == 1 else 2, 2, 2), padding="same", name=f"stage{stage}")(x)
    hidden = hidden_layers(fc_units, dropout, first=6, **start(0.005, 1))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **start(0.01))
    return build_model(name, inputs, x, weights)


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

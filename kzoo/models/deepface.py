"""DeepFace: convolutions, then locally connected layers, since parts of aligned faces have fixed positions.

Source: Taigman, Yang, Ranzato & Wolf 2014, "DeepFace: closing the gap to human-level performance in face verification",
section 2.2. The paper says more than 120 million parameters; its layers have 118,923,774.
"""

import keras
from keras import layers

from kzoo.layers.conv import Conv2D
from kzoo.layers.locally_connected import LocallyConnected2D
from kzoo.models.blocks import add_top, build_model, ceil_pool, check_rate, gaussian, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def deepface(
    fc_units: int = 4096,
    dropout: float = 0.5,
    width: float = 1.0,
    input_shape: Shape = (152, 152, 3),
    input_tensor: Tensor | None = None,
    classes: int = 4030,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "deepface",
) -> keras.Model:
    """Builds DeepFace: two convolutions, three locally connected layers and two dense layers.

    Shapes: aligned faces (B, 152, 152, 3) in [0, 1] -> probabilities of people (B, 4030). The smallest input is 72 x
    72.
    Settings: fc_units of the hidden layer and its dropout; width, a factor of all filters.
    Kernels are initialized from N(0, 0.01^2), all biases with 0.5, as in the paper.
    Layers: stage1 (pooled), stage2 (convolution), stage3 ... stage5 (locally connected), fc7, predictions.
    """
    check_rate(name, dropout=dropout)
    first, units = scale_filters(name, (32, 16), width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=72)
    start = gaussian(0.01, 0.5)
    more = {"activation": "relu", **start}
    x = ceil_pool(Conv2D(first, 11, name="stage1_conv", **more)(x), "stage1")
    x = Conv2D(units, 9, name="stage2", **more)(x)
    for stage, (kernel, strides) in enumerate([(9, 1), (7, 2), (5, 1)], start=3):
        x = LocallyConnected2D(units, kernel, strides=strides, name=f"stage{stage}", **more)(x)
    hidden = [layers.Dense(fc_units, name="fc7", **more), layers.Dropout(dropout, name="fc7_dropout")]
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **start)
    return build_model(name, inputs, x, weights)


register_family(deepface, {"deepface": {}})

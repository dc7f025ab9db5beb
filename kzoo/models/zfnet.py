"""Zeiler and Fergus's network: AlexNet with smaller kernels and strides in its first two convolutions.

Source: Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901, figure 3,
section 3 for the initial values and the constraint, and table 3 for the removals.
"""

from collections.abc import Sequence

import keras

from kzoo.constraints.max_rms import MaxRMS
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.models.alexnet import FC_UNITS, check_settings, conv, hidden_layers, last_convolutions
from kzoo.models.blocks import add_top, build_model, ceil_pool, gaussian, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def zfnet(
    filters: Sequence[int] = (96, 256, 384, 384, 256),
    fc_units: Sequence[int] = FC_UNITS,
    dropout: float = 0.5,
    remove: Sequence[int] = (),
    width: float = 1.0,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "zfnet",
) -> keras.Model:
    """Builds ZFNet: five convolutions, the first two normalized after their pools, and two dense layers.

    Shapes: images (B, 224, 224, 3), the mean subtracted -> probabilities (B, 1000). The smallest input is 47 x 47.
    Settings: filters of the five convolutions; fc_units of the hidden layers and the dropout after them, as AlexNet's;
    remove, any of the layers 3, 4, 6, 7; width, a factor of all filters.
    Kernels are initialized from N(0, 0.01^2), biases are 0. After each step, filters of convolutions whose weights have
    a root mean square above 0.1 are scaled to 0.1.
    Layers: stage1 ... stage5, fc6, fc7, predictions.
    """
    check_settings(name, filters, fc_units, dropout, remove)
    first, second, *others = scale_filters(name, filters, width)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=47)
    limited = {"kernel_constraint": MaxRMS(0.1)}
    x = ceil_pool(conv(x, first, 7, 2, 1, "stage1_conv", **limited), "stage1")
    x = LocalResponseNormalization(name="stage1_norm")(x)
    x = ceil_pool(conv(x, second, 5, 2, 0, "stage2_conv", **limited), "stage2")
    x = LocalResponseNormalization(name="stage2_norm")(x)
    x = ceil_pool(last_convolutions(x, others, remove, **limited, **gaussian(0.01)), "stage5")
    hidden = hidden_layers(fc_units, dropout, remove, **gaussian(0.01))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **gaussian(0.01))
    return build_model(name, inputs, x, weights)


register_family(zfnet, {"zfnet": {}})

"""SPP-net: a pyramid of pools turns maps of any size into the fixed length that dense layers need.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
arXiv:1406.4729, tables 1 and 2; the authors' Caffe file of ZF-5 for response normalization and initial values, and
their region code for the bins, which fit images of any size.
"""

import functools
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import nearest, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.spatial_pyramid_pooling import SpatialPyramidPooling2D
from kzoo.models.blocks import (
    add_top,
    build_model,
    ceil_pool,
    check_integer_list,
    check_rate,
    gaussian,
    hidden_layers,
    model_input,
    scale_filters,
)
from kzoo.models.registry import register_family
from kzoo.types import Activation, Initializer, PathLike, Shape, Tensor

# of each convolution: filters, kernel, strides, padding; if it is pooled, size, strides, whether it is normalized
BASES = {
    "zf5": ((96, 7, 2, 1, 3, 2, True), (256, 5, 2, 0, 3, 2, True), (384, 3, 1, 1), (384, 3, 1, 1), (256, 3, 1, 1)),
    "overfeat5": ((96, 7, 2, 0, 3, 3, True), (256, 5, 1, 2, 2, 2, False), *((512, 3, 1, 1),) * 3),
    "overfeat7": ((96, 7, 2, 0, 3, 3, True), (256, 5, 1, 2, 2, 2, False), *((512, 3, 1, 1),) * 5),
}
NORM: dict[str, Any] = {"size": 3, "within_channel": True, "bias": 1.0, "alpha": 5e-5, "divide_by_size": True}


def spp(
    base: str = "zf5",
    width: float = 1.0,
    bins: Sequence[int] = (6, 3, 2, 1),
    fc_units: Sequence[int] = (4096, 4096),
    dropout: float = 0.5,
    kernel_initializer: Initializer = None,
    input_shape: Shape = (224, 224, 3),
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "spp_zf5",
) -> keras.Model:
    """Builds SPP-net: convolutions, a spatial pyramid of pools, and dense layers, for images of any size.

    Shapes: images (B, H, W, 3), the mean subtracted -> probabilities (B, 1000). The smallest input is 39 x 39.
    Settings: base, the convolutions, "zf5", "overfeat5" or "overfeat7"; bins, the levels of the pyramid, n for n x n
    bins; fc_units of the hidden layers and their dropout; kernel_initializer, which with biases of 0 replaces the
    authors' initial values; width, a factor of all filters.
    Response normalization sums over 3 x 3 pixels of the same channel. The authors' kernels are initialized from N(0,
    0.01^2); biases of the first and third convolution are 0, all others 1. These are the values of their ZF-5, used
    here for the other bases too. Narrow networks learn better with kernel_initializer="glorot_uniform".
    Layers: stage1 ..., pyramid, fc1, fc2, predictions.
    """
    require(base in BASES, name, f"base, {nearest(base, BASES)}", base=base)
    check_integer_list(name, bins=bins, fc_units=fc_units)
    check_rate(name, dropout=dropout)
    start = functools.partial(gaussian, kernel_initializer=kernel_initializer)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=39)
    filters = scale_filters(name, [row[0] for row in BASES[base]], width)
    for stage, (units, (_, kernel, strides, padding, *pool)) in enumerate(zip(filters, BASES[base]), start=1):
        label = f"stage{stage}" if not pool else f"stage{stage}_conv"
        more = {"strides": strides, "padding": padding, "activation": "relu", "name": label}
        x = Conv2D(units, kernel, **more, **start(0.01, 0 if stage in (1, 3) else 1))(x)
        if pool:
            size, step, normalized = pool
            x = LocalResponseNormalization(**NORM, name=f"stage{stage}_norm")(x) if normalized else x
            label = f"stage{stage}"
            x = ceil_pool(x, label, size, step) if base == "zf5" else MaxPooling2D(size, step, name=label)(x)
    if include_top:
        x = SpatialPyramidPooling2D(bins, name="pyramid")(x)
    hidden = hidden_layers(fc_units, dropout, **start(0.01, 1))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **start(0.01, 1))
    return build_model(name, inputs, x, weights)


register_family(spp, {f"spp_{base}": {"base": base, "input_shape": (None, None, 3)} for base in BASES})

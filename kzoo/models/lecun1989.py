"""Digit classifiers that use strided convolutions instead of subsampling: LeCun et al. 1989 and Simard et al. 2003.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Backpropagation applied to handwritten zip code
recognition"; Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
document analysis".
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.padding import Padding2D
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.blocks import add_top, build_model, check_integer_list, model_input
from kzoo.models.registry import register_family
from kzoo.ops.scaled_tanh import scaled_tanh
from kzoo.types import Activation, Initializer, PathLike, Shape, Tensor

H2 = ((*range(8),),) * 4 + ((*range(4, 12),),) * 4 + ((*range(4), *range(8, 12)),) * 4


def lecun1989(
    filters: Sequence[int] = (12, 12),
    connections: Sequence[Sequence[int]] | None = H2,
    border: int = 2,
    untied_bias: bool = True,
    fc_units: Sequence[int] = (30,),
    activation: Activation = "scaled_tanh",
    kernel_initializer: Initializer = None,
    input_shape: Shape = (16, 16, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "lecun1989",
) -> keras.Model:
    """Builds the first convolutional network for digits: two 5 x 5 convolutions of stride 2 and dense layers.

    Shapes: digits (B, 16, 16, 1), -1 for paper and 1 for ink -> probabilities (B, 10). Without a border the smallest
    input is 13 x 13.
    Settings: filters of each convolution; connections, the table of the second, None for all; border, the width of the
    padding of -1 around each layer's input; untied_bias, one bias per position; fc_units; activation;
    kernel_initializer, by default `FanInUniform`; biases are 0, chosen here.
    The paper's outputs are scaled tanhs trained on squared errors. It does not say which 8 of the 12 maps each map of
    the second layer reads; here four maps read the first eight, four the last eight, and four the outer eight. Simard
    et al. do not name the activation; here it is the same. Their weights start with standard deviation 0.05 (section
    3); that the distribution is normal and biases start at 0 is chosen here.
    Layers: stage1, stage2, fc1, predictions.
    """
    check_integer_list(name, filters=filters, fc_units=fc_units)
    require(len(filters) == 2, name, "filters of two convolutions", filters=filters)
    require(is_integer(border, least=0), name, "border, an integer of at least 0", border=border)
    activation = scaled_tanh if activation == "scaled_tanh" else activation
    initializer: dict[str, Any] = {"kernel_initializer": kernel_initializer or "kzoo>FanInUniform"}
    shared: dict[str, Any] = {"strides": 2, "activation": activation, "untied_bias": untied_bias, **initializer}
    x = inputs = model_input(name, input_shape, input_tensor, smallest=max(1, 13 - 6 * border))
    for stage, units in enumerate(filters, start=1):
        x = Padding2D(border, constant_values=-1.0, name=f"stage{stage}_border")(x) if border else x
        table: dict[str, Any] = {"connections": connections} if stage == 2 and connections is not None else {}
        x = (TableConv2D if table else Conv2D)(units, 5, name=f"stage{stage}", **shared, **table)(x)
    hidden = [layers.Dense(n, activation, name=f"fc{i}", **initializer) for i, n in enumerate(fc_units, start=1)]
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **initializer)
    return build_model(name, inputs, x, weights)


register_family(
    lecun1989,
    {
        "lecun1989": {},
        "simard2003": {
            "filters": (5, 50),
            "connections": None,
            "border": 0,
            "untied_bias": False,
            "fc_units": (100,),
            "kernel_initializer": {"class_name": "RandomNormal", "config": {"stddev": 0.05}},
            "input_shape": (29, 29, 1),
        },
    },
)

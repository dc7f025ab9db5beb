"""Digit readers whose convolutions take strides in the place of subsampling: LeCun's first, and Simard's.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Backpropagation applied to handwritten zip code
recognition"; Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual
document analysis".
"""

from keras import layers

from kzoo.checks import is_integer, require
from kzoo.initializers.fan_in_uniform import FanInUniform
from kzoo.layers.conv import Conv2D
from kzoo.layers.padding import Padding2D
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.blocks import classify, finish, start, whole_numbers
from kzoo.models.registry import register_family
from kzoo.ops.scaled_tanh import scaled_tanh

H2 = ((*range(8),),) * 4 + ((*range(4, 12),),) * 4 + ((*range(4), *range(8, 12)),) * 4


def lecun1989(
    filters=(12, 12),
    connections=H2,
    border=2,
    untied_bias=True,
    fc_units=(30,),
    activation="scaled_tanh",
    kernel_initializer=None,
    input_shape=(16, 16, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="lecun1989",
):
    """Digits (B, 16, 16, 1), -1 for paper and 1 for ink -> probabilities (B, 10), by 5 x 5 convolutions of stride 2.

    The paper's outputs are scaled tanhs trained on squared errors. It does not tell which 8 of the 12 maps each map of
    the second layer reads; here four maps each read the first eight, the last eight, and the outer eight. Simard's
    does not tell the activation, here the same.
    Settings: filters of each convolution; connections, the table of the second, None for all; border, so many cells of
    -1 around each layer's input; untied_bias, a bias for each cell; fc_units; activation; kernel_initializer, by
    default `FanInUniform`. Layers: stage1, stage2, fc1, predictions. Without a border the smallest input is 13 x 13.
    """
    whole_numbers(name, filters=filters, fc_units=fc_units)
    require(len(filters) == 2, name, "filters of two convolutions", filters=filters)
    require(is_integer(border, least=0), name, "border, an integer of at least 0", border=border)
    activation = scaled_tanh if activation == "scaled_tanh" else activation
    started = {"kernel_initializer": kernel_initializer or FanInUniform()}
    shared = {"strides": 2, "activation": activation, "untied_bias": untied_bias, **started}
    x = inputs = start(name, input_shape, input_tensor, smallest=max(1, 13 - 6 * border))
    for stage, units in enumerate(filters, start=1):
        x = Padding2D(border, constant_values=-1.0, name=f"stage{stage}_border")(x) if border else x
        table = {"connections": connections} if stage == 2 and connections is not None else {}
        x = (TableConv2D if table else Conv2D)(units, 5, name=f"stage{stage}", **shared, **table)(x)
    hidden = [layers.Dense(n, activation, name=f"fc{i}", **started) for i, n in enumerate(fc_units, start=1)]
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden, **started)
    return finish(name, inputs, x, weights)


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
            "input_shape": (29, 29, 1),
        },
    },
)

"""LeNet-1 and LeNet-5: alternating convolutions and subsampling, with maps that read only some of the maps before.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition"; for LeNet-1
LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Handwritten digit recognition with a back-propagation
network", whose outputs are scaled tanhs trained on squared errors; here they are probabilities.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kzoo.checks import nearest, require
from kzoo.initializers.digit_codes import DigitCodes
from kzoo.layers.conv import Conv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.rbf import RBF
from kzoo.layers.subsampling import Subsampling2D
from kzoo.layers.table_conv import TableConv2D
from kzoo.models.blocks import add_top, build_model, check_integer_list, model_input
from kzoo.models.registry import register_family
from kzoo.ops.scaled_tanh import scaled_tanh
from kzoo.types import Activation, Initializer, PathLike, Shape, Tensor

C3 = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)
H3 = (*((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1)), *((2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3)))
COEFFICIENTS = {"class_name": "RandomUniform", "config": {"minval": -0.6, "maxval": 0.6}}
POOLS = {"trained": Subsampling2D, "average": layers.AveragePooling2D, "max": MaxPooling2D}
OUTPUTS = {"rbf": RBF, "dense": layers.Dense}


def lenet(
    filters: Sequence[int] = (6, 16, 120),
    connections: Sequence[Sequence[int]] | None = C3,
    pool: str = "trained",
    fc_units: Sequence[int] = (84,),
    output: str = "rbf",
    activation: Activation = "scaled_tanh",
    kernel_initializer: Initializer = None,
    input_shape: Shape = (32, 32, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = None,
    name: str = "lenet5",
) -> keras.Model:
    """Builds LeNet-5, whose outputs are negative squared distances from ten digit codes.

    Shapes: digits (B, 32, 32, 1), -0.1 for paper and 1.175 for ink -> negative distances (B, 10). The nearest code is
    the largest output, and the loss is `RBFLoss`; output="dense" gives a usual classifier. The smallest input is 16 x
    16, or 32 x 32 with a third convolution.
    Settings: filters of each 5 x 5 convolution, of which the first two are subsampled; connections, the table of the
    second, None for all; pool, "trained", "average" or "max"; fc_units; output, "rbf" or "dense"; activation, also of
    "trained" pools; kernel_initializer, by default `FanInUniform`.
    Coefficients of trained pools are initialized as kernels are by default, uniformly between -2.4 / 4 and 2.4 / 4 for
    four inputs; biases are 0, chosen here.
    The codes are bitmaps of digits, redrawn here (`DigitCodes`), and are not trained.
    Layers: stage1 ... (subsampled), fc1, predictions.
    """
    check_integer_list(name, filters=filters, fc_units=fc_units)
    require(len(filters) >= 2, name, "filters of at least two convolutions", filters=filters)
    require(pool in POOLS, name, f"pool, {nearest(pool, POOLS)}", pool=pool)
    require(output in OUTPUTS, name, f"output, {nearest(output, OUTPUTS)}", output=output)
    activation = scaled_tanh if activation == "scaled_tanh" else activation
    more = {"activation": activation, "coefficient_initializer": COEFFICIENTS} if pool == "trained" else {}
    initializer: dict[str, Any] = {"kernel_initializer": kernel_initializer or "kzoo>FanInUniform"}
    x = inputs = model_input(name, input_shape, input_tensor, smallest=16 if len(filters) == 2 else 32)
    for stage, units in enumerate(filters, start=1):
        table: dict[str, Any] = {"connections": connections} if stage == 2 and connections is not None else {}
        label = f"stage{stage}_conv" if stage <= 2 else f"stage{stage}"
        x = (TableConv2D if table else Conv2D)(units, 5, activation=activation, name=label, **table, **initializer)(x)
        x = POOLS[pool](2, name=f"stage{stage}", **more)(x) if stage <= 2 else x
    hidden = [layers.Dense(n, activation, name=f"fc{i}", **initializer) for i, n in enumerate(fc_units, start=1)]
    last = {"kernel_initializer": DigitCodes(), "trainable": False} if output == "rbf" else {**initializer}
    last["layer"] = OUTPUTS[output]
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **last)
    return build_model(name, inputs, x, weights)


SOFTMAX = {"output": "dense", "classifier_activation": "softmax"}
register_family(
    lenet,
    {
        "lenet5": {},
        "lenet5_modern": {
            **SOFTMAX,
            "connections": None,
            "pool": "max",
            "activation": "relu",
            "kernel_initializer": "glorot_uniform",
        },
        "lenet1": {**SOFTMAX, "filters": (4, 12), "connections": H3, "fc_units": (), "input_shape": (28, 28, 1)},
    },
)

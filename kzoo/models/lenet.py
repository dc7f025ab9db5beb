"""LeNet-1 and LeNet-5: convolutions in turn with subsampling, and maps that do not read all maps before them.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition"; for LeNet-1
LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Handwritten digit recognition with a back-propagation
network", whose outputs are scaled tanhs trained on squared errors; here they are probabilities.
"""

from keras import layers

from kzoo.checks import nearest, require
from kzoo.initializers.fan_in_uniform import FanInUniform
from kzoo.layers.conv import Conv2D
from kzoo.layers.rbf import RBF
from kzoo.layers.subsampling import Subsampling2D
from kzoo.layers.table_conv import TableConv2D
from kzoo.losses.digit_codes import DigitCodes
from kzoo.models.blocks import classify, finish, start, whole_numbers
from kzoo.models.registry import register_family
from kzoo.ops.scaled_tanh import scaled_tanh

C3 = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)
H3 = (*((0,), (0, 1), (0, 1), (1,), (0, 1), (0, 1)), *((2,), (2, 3), (2, 3), (3,), (2, 3), (2, 3)))
POOLS = {"trained": Subsampling2D, "average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
OUTPUTS = {"rbf": RBF, "dense": layers.Dense}


def lenet(
    filters=(6, 16, 120),
    connections=C3,
    pool="trained",
    fc_units=(84,),
    output="rbf",
    activation="scaled_tanh",
    kernel_initializer=None,
    input_shape=(32, 32, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation=None,
    name="lenet5",
):
    """Digits (B, 32, 32, 1), -0.1 for paper and 1.175 for ink -> minus squared distances from ten codes, (B, 10).

    The nearest code is the largest output, and the loss is `RBFLoss`; with output="dense" a classifier as any other.
    Settings: filters of each 5 x 5 convolution, of which the first two are subsampled; connections, the table of the
    second, None for all; pool, "trained", "average" or "max"; fc_units; output, "rbf" or "dense"; activation, "trained"
    pools have one too; kernel_initializer, by default `FanInUniform`. Layers: stage1 ... (subsampled), fc1,
    predictions. The smallest input is 16 x 16, and 32 x 32 with a third convolution.
    The codes are bitmaps of digits, drawn anew (`DigitCodes`), and are not trained.
    """
    whole_numbers(name, filters=filters, fc_units=fc_units)
    require(len(filters) >= 2, name, "filters of at least two convolutions", filters=filters)
    require(pool in POOLS, name, f"pool, {nearest(pool, POOLS)}", pool=pool)
    require(output in OUTPUTS, name, f"output, {nearest(output, OUTPUTS)}", output=output)
    activation = scaled_tanh if activation == "scaled_tanh" else activation
    more = {"activation": activation} if pool == "trained" else {}
    started = {"kernel_initializer": kernel_initializer or FanInUniform()}
    x = inputs = start(name, input_shape, input_tensor, smallest=16 if len(filters) == 2 else 32)
    for stage, units in enumerate(filters, start=1):
        table = {"connections": connections} if stage == 2 and connections is not None else {}
        label = f"stage{stage}_conv" if stage <= 2 else f"stage{stage}"
        x = (TableConv2D if table else Conv2D)(units, 5, activation=activation, name=label, **table, **started)(x)
        x = POOLS[pool](2, name=f"stage{stage}", **more)(x) if stage <= 2 else x
    hidden = [layers.Dense(n, activation, name=f"fc{i}", **started) for i, n in enumerate(fc_units, start=1)]
    last = {"kernel_initializer": DigitCodes(), "trainable": False} if output == "rbf" else started
    way = (include_top, classes, classifier_activation, pooling)
    x = classify(name, x, *way, hidden, layer=OUTPUTS[output], **last)
    return finish(name, inputs, x, weights)


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

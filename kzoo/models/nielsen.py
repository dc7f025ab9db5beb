"""Nielsen's MNIST models: from one hidden layer to two convolutions, two wide layers and dropout.

Source: Nielsen 2015, "Neural Networks and Deep Learning", chapter 6, and its program network3.py, whose initialization,
weight decay and placement of dropout these models follow.
"""

import math
from collections.abc import Sequence

import keras
from keras import layers
from keras.initializers import RandomNormal
from keras.regularizers import L2

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.max_pooling import MaxPooling2D
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.models.blocks import add_top, build_model, check_integer_list, check_rate, model_input
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

KERNEL, POOL = 5, 2


def nielsen(
    filters: Sequence[int] = (20, 40),
    fc_units: Sequence[int] = (100,),
    activation: Activation = "relu",
    dropout: float = 0.0,
    l2: float = 0.0,
    input_shape: Shape = (28, 28, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "nielsen_3",
) -> keras.Model:
    """Builds a digit classifier of convolutions with max pooling, and dense layers.

    Shapes: digits (B, 28, 28, 1) in [0, 1] -> probabilities (B, 10).
    Settings: filters of each 5 x 5 convolution (each followed by 2 x 2 max pooling and then the activation); fc_units
    of each hidden layer; activation; dropout on the input of every dense layer and of the classifier, which scales as
    his does, by 1 - dropout at inference and not in training; l2, Keras's factor, half of Nielsen's lambda over the
    number of batches.
    Layers: stage1 ... (the activated maps), fc1 ..., predictions.
    """
    check_integer_list(name, filters=filters, fc_units=fc_units)
    check_rate(name, dropout=dropout)
    require(l2 >= 0, name, "l2, at least 0", l2=l2)

    def weight_settings(n_out):
        """Nielsen's initializers, kernels N(0, 1 / n_out) and biases N(0, 1), and weight decay."""
        return {
            "kernel_initializer": RandomNormal(stddev=math.sqrt(1 / n_out)),
            "bias_initializer": RandomNormal(stddev=1.0),
            "kernel_regularizer": L2(l2) if l2 else None,
        }

    x = inputs = model_input(name, input_shape, input_tensor)
    for stage, count in enumerate(filters, start=1):
        x = Conv2D(count, KERNEL, name=f"stage{stage}_conv", **weight_settings(count * KERNEL**2 / POOL**2))(x)
        x = MaxPooling2D(POOL, name=f"stage{stage}_pool")(x)
        # after the pool: as the activation is monotonic, the result is the same for a quarter of the work
        x = layers.Activation(activation, name=f"stage{stage}")(x)

    def fc(index, units):
        dense = layers.Dense(units, activation, name=f"fc{index}", **weight_settings(units))
        return lambda x: dense(drop(x, f"fc{index}_dropout"))

    def drop(x, label):
        return UnscaledDropout(dropout, name=label)(x) if dropout else x

    hidden = [fc(index, units) for index, units in enumerate(fc_units, start=1)]
    hidden.append(lambda x: drop(x, "predictions_dropout"))
    x = add_top(
        name,
        x,
        include_top,
        classes,
        classifier_activation,
        pooling,
        hidden,
        kernel_initializer="zeros",
        kernel_regularizer=L2(l2) if l2 else None,
    )
    return build_model(name, inputs, x, weights)


PLAIN, DECAY, EXPANDED = {"activation": "sigmoid"}, {"l2": 1e-5}, {"l2": 2e-6}  # 0.5 * 0.1 / 5,000 and / 25,000 batches
register_family(
    nielsen,
    {
        "nielsen_0": {**PLAIN, "filters": (), "fc_units": (100,)},
        "nielsen_1": {**PLAIN, "filters": (20,), "fc_units": (100,)},
        "nielsen_1b": {**PLAIN, "filters": (20,), "fc_units": ()},
        "nielsen_2": {**PLAIN},
        "nielsen_3": {**DECAY},
        "nielsen_4": {**EXPANDED},
        "nielsen_4a": {**EXPANDED, "fc_units": (300,)},
        "nielsen_4b": {**EXPANDED, "fc_units": (1000,)},
        "nielsen_5": {**EXPANDED, "fc_units": (100, 100)},
        "nielsen_5a": {**EXPANDED, "fc_units": (300, 300)},
        "nielsen_5b": {**EXPANDED, "fc_units": (1000, 1000)},
        "nielsen_6": {"fc_units": (1000, 1000), "dropout": 0.5},
    },
)

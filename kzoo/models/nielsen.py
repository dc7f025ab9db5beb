"""Nielsen's MNIST nets: from one hidden layer to two convolutions, two wide layers and dropout.

Source: Nielsen 2015, "Neural Networks and Deep Learning", chapter 6, and its program network3.py, whose
initialisation, weight decay and placement of dropout these nets follow.
"""

import math

from keras import layers
from keras.initializers import RandomNormal
from keras.regularizers import L2

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv2D
from kzoo.models.blocks import classify, finish, start
from kzoo.models.registry import register_family

KERNEL, POOL = 5, 2


def nielsen(
    filters=(20, 40),
    fc_units=(100,),
    activation="relu",
    dropout=0.0,
    l2=0.0,
    input_shape=(28, 28, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="nielsen_3",
):
    """Digits (B, 28, 28, 1) in [0, 1] -> probabilities (B, 10).

    Settings: filters of each 5x5 convolution (each followed by 2x2 max pooling and then the
    activation), fc_units of each hidden layer, activation, dropout on the input of every fully connected layer and
    of the classifier, l2 (Keras's factor, half of Nielsen's lambda over the number of batches).
    Layers: stage1 ... (the activated maps), fc1 ..., predictions.
    """
    for setting, values in {"filters": filters, "fc_units": fc_units}.items():
        good = isinstance(values, (tuple, list)) and all(is_integer(n, least=1) for n in values)
        require(good, name, f"{setting}, a list of integers above 0", **{setting: values})
    require(0 <= dropout < 1, name, "dropout, at least 0 and below 1", dropout=dropout)
    require(l2 >= 0, name, "l2, at least 0", l2=l2)

    def started(n_out):
        """Nielsen's start: weights N(0, 1 / n_out), biases N(0, 1)."""
        return {
            "kernel_initializer": RandomNormal(stddev=math.sqrt(1 / n_out)),
            "bias_initializer": RandomNormal(stddev=1.0),
            "kernel_regularizer": L2(l2) if l2 else None,
        }

    x = inputs = start(name, input_shape, input_tensor)
    for stage, count in enumerate(filters, start=1):
        x = Conv2D(count, KERNEL, name=f"stage{stage}_conv", **started(count * KERNEL**2 / POOL**2))(x)
        x = layers.MaxPooling2D(POOL, name=f"stage{stage}_pool")(x)
        # after the pool: the same function, as the activation grows, for a quarter of the work
        x = layers.Activation(activation, name=f"stage{stage}")(x)

    def fc(index, units):
        dense = layers.Dense(units, activation, name=f"fc{index}", **started(units))
        return lambda x: dense(dropped(x, f"fc{index}_dropout"))

    def dropped(x, label):
        return layers.Dropout(dropout, name=label)(x) if dropout else x

    hidden = [fc(index, units) for index, units in enumerate(fc_units, start=1)]
    hidden.append(lambda x: dropped(x, "predictions_dropout"))
    x = classify(
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
    return finish(name, inputs, x, weights)


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

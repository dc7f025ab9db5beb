"""Maxout networks: each unit is the largest of several affine pieces, which makes the activation learned.

Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout networks", arXiv:1302.4389, and the authors'
pylearn2 configurations.
"""

from collections.abc import Sequence

import keras
from keras import layers
from keras.constraints import MaxNorm
from keras.initializers import RandomUniform

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.maxout import Maxout
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.models.blocks import add_top, build_model, ceil_pool, check_rate, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

LIMIT = 1.9365  # of the norm of a unit's kernel


def maxout(
    convolutions: Sequence[Sequence[int]] = (),
    dense: Sequence[Sequence[int]] = (),
    untied_bias: bool = False,
    dropout: float = 0.5,
    input_dropout: float = 0.2,
    width: float = 1.0,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "maxout_cifar",
) -> keras.Model:
    """Builds a maxout network of convolutions and dense layers.

    Shapes: images (B, 32, 32, 3), whitened -> probabilities (B, 10).
    Settings: convolutions, for each (units, pieces, kernel, padding, size and strides of the pool after it); dense, for
    each hidden layer (units, pieces); untied_bias, one bias per position; input_dropout, which does not rescale, and
    dropout on the inputs of all other layers; width, a factor of all units.
    Kernels are initialized uniformly between -0.005 and 0.005, biases with 0. After each step, kernels of a unit are
    scaled to a norm of at most 0.9 in the first convolution, 1.9 in a dense layer after convolutions, and 1.9365 in all
    other layers.
    Layers: stage1 ... (pooled), fc1 ..., predictions.
    """
    for setting, rows, length in (("convolutions", convolutions, 6), ("dense", dense, 2)):
        known = all(isinstance(row, (tuple, list)) and len(row) == length and all(map(is_integer, row)) for row in rows)
        require(known, name, f"{setting}, rows of {length} integers", **{setting: rows})
    check_rate(name, dropout=dropout, input_dropout=input_dropout)

    def kernel_settings(axes, limit=LIMIT):
        return {"kernel_initializer": RandomUniform(-0.005, 0.005), "kernel_constraint": MaxNorm(limit, axis=axes)}

    def drop(x, label, first=False):
        if first:  # the authors scale what is kept by 1 for the input, by 2 for the other layers
            return UnscaledDropout(input_dropout, inference_scale=1.0, name=f"{label}_dropout")(x)
        return layers.Dropout(dropout, name=f"{label}_dropout")(x)

    def unit_maxima(units, label):
        return Maxout(units, order="adjacent", name=f"{label}_maxout")  # the order of saved weights

    def fc(number, units, pieces):
        (units,), label, first = scale_filters(name, [units], width), f"fc{number}", number == 1 and not convolutions
        more = kernel_settings(0, 1.9 if convolutions else LIMIT)
        dense, largest = layers.Dense(units * pieces, name=label, **more), unit_maxima(units, label)
        return lambda x: largest(dense(drop(x, label, first)))

    x = inputs = model_input(name, input_shape, input_tensor)
    counts = scale_filters(name, [row[0] for row in convolutions], width)
    for stage, (units, row) in enumerate(zip(counts, convolutions), start=1):
        (_, pieces, kernel, padding, size, strides), label = row, f"stage{stage}"
        conv = Conv2D(
            units * pieces,
            kernel,
            padding=padding,
            untied_bias=untied_bias,
            name=f"{label}_conv",
            **kernel_settings([0, 1, 2], 0.9 if stage == 1 else LIMIT),
        )
        x = unit_maxima(units, label)(conv(drop(x, label, stage == 1)))
        x = ceil_pool(x, label, size, strides, rectified=False)
    hidden = [fc(number, *row) for number, row in enumerate(dense, start=1)]
    hidden.append(lambda x: drop(x, "predictions"))
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **kernel_settings(0))
    return build_model(name, inputs, x, weights)


register_family(
    maxout,
    {
        "maxout_mnist_dense": {"dense": ((240, 5), (240, 5)), "input_shape": (28, 28, 1)},
        "maxout_mnist": {
            "convolutions": ((48, 2, 8, 0, 4, 2), (48, 2, 8, 3, 4, 2), (24, 4, 5, 3, 2, 2)),
            "untied_bias": True,
            "input_shape": (28, 28, 1),
        },
        "maxout_cifar": {
            "convolutions": ((96, 2, 8, 4, 4, 2), (192, 2, 8, 3, 4, 2), (192, 2, 5, 3, 2, 2)),
            "dense": ((500, 5),),
        },
        "maxout_svhn": {
            "convolutions": ((64, 2, 5, 4, 3, 2), (128, 2, 5, 3, 3, 2), (128, 2, 5, 3, 3, 2)),
            "dense": ((400, 5),),
        },
    },
)

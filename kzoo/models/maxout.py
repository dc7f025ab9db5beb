"""Maxout networks: each unit is the largest of several affine pieces, an activation that is learned.

Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, "Maxout networks", arXiv:1302.4389, and the authors'
pylearn2 configurations.
"""

from keras import layers
from keras.constraints import MaxNorm
from keras.initializers import RandomUniform

from kzoo.checks import is_integer, require
from kzoo.layers.conv import Conv2D
from kzoo.layers.maxout import Maxout
from kzoo.models.blocks import ceil_pool, classify, finish, scaled, start
from kzoo.models.registry import register_family


def maxout(
    convolutions=(),
    dense=(),
    untied_bias=False,
    dropout=0.5,
    input_dropout=0.2,
    width=1.0,
    input_shape=(32, 32, 3),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="maxout_cifar",
):
    """Images, whitened -> probabilities (B, 10), by convolutions and dense layers of maxout units.

    Settings: convolutions, for each (units, pieces, kernel, padding, size and strides of the pool behind it); dense,
    for each hidden layer (units, pieces); untied_bias, a bias for each cell of a convolution's map; dropout on the
    input and on that of every other layer; width, a factor of all units. Layers: stage1 ... (pooled), fc1 ...,
    predictions.
    Kernels' norms are kept below 0.9 in the first layer, 1.9365 in the others.
    """
    for setting, rows, length in (("convolutions", convolutions, 6), ("dense", dense, 2)):
        good = all(isinstance(row, (tuple, list)) and len(row) == length and all(map(is_integer, row)) for row in rows)
        require(good, name, f"{setting}, rows of {length} integers", **{setting: rows})
    for setting, rate in {"dropout": dropout, "input_dropout": input_dropout}.items():
        require(0 <= rate < 1, name, f"{setting}, at least 0 and below 1", **{setting: rate})

    def started(axes, first=False):
        limit = MaxNorm(0.9 if first else 1.9365, axis=axes)
        return {"kernel_initializer": RandomUniform(-0.005, 0.005), "kernel_constraint": limit}

    def dropped(x, label, first=False):
        return layers.Dropout(input_dropout if first else dropout, name=f"{label}_dropout")(x)

    def fc(place, units, pieces):
        (units,), label, first = scaled(name, [units], width), f"fc{place}", place == 1 and not convolutions
        more = started(0, first)
        parts = [layers.Dense(units * pieces, name=label, **more), Maxout(units, name=f"{label}_maxout")]
        return lambda x: parts[1](parts[0](dropped(x, label, first)))

    x = inputs = start(name, input_shape, input_tensor)
    counts = scaled(name, [row[0] for row in convolutions], width)
    for stage, (units, row) in enumerate(zip(counts, convolutions), start=1):
        (_, pieces, kernel, padding, size, strides), label = row, f"stage{stage}"
        conv = Conv2D(
            units * pieces,
            kernel,
            padding=padding,
            untied_bias=untied_bias,
            name=f"{label}_conv",
            **started([0, 1, 2], stage == 1),
        )
        x = Maxout(units, name=f"{label}_maxout")(conv(dropped(x, label, stage == 1)))
        x = ceil_pool(x, label, size, strides, rectified=False)
    hidden = [fc(place, *row) for place, row in enumerate(dense, start=1)]
    hidden.append(lambda x: dropped(x, "predictions"))
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden, **started(0))
    return finish(name, inputs, x, weights)


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

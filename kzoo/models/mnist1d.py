"""The MNIST-1D nets: three strided convolutions against fully connected layers of the same sizes.

Source: Prince 2023, "Understanding Deep Learning", sections 8.1 and 10.2 and their notebooks; the data: Greydanus &
Kobak 2020, arXiv:2011.14439. The locally connected and the tiled variant are ours: the same net, weights shared less.
"""

from keras import layers

from kzoo.checks import is_integer, nearest, require
from kzoo.layers.conv import Conv1D
from kzoo.layers.locally_connected import LocallyConnected1D
from kzoo.layers.lp_pooling import LPPooling1D
from kzoo.layers.tiled_conv import TiledConv1D
from kzoo.models.blocks import classify, finish, start
from kzoo.models.registry import register_family
from kzoo.models.weights import register_weights

KINDS = {"conv": Conv1D, "local": LocallyConnected1D, "tiled": TiledConv1D}
POOLS = {"max": layers.MaxPooling1D, "average": layers.AveragePooling1D, "lp": LPPooling1D}


def mnist1d_conv(
    layer="conv",
    filters=15,
    kernel_size=3,
    strides=2,
    stages=3,
    tile=2,
    padding="valid",
    dilation_rate=1,
    pool=None,
    activation="relu",
    kernel_initializer="he_uniform",
    input_shape=(40, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="mnist1d_cnn",
):
    """Signals (B, 40, 1) -> probabilities (B, 10), by strided convolutions that share weights fully, partly or not.

    Settings: layer, "conv", "tiled" (with `tile`) or "local"; filters, kernel_size, strides, padding, dilation_rate and
    activation of each of the `stages`; pool, "max", "average" or "lp", that loses resolution in the strides' place.
    Layers: stage1 ... stage3 (behind stage1_conv ..., with a pool), flatten, predictions.
    """
    require(layer in KINDS, name, f"layer, {nearest(layer, KINDS)}", layer=layer)
    require(pool is None or pool in POOLS, name, f"pool, None or {nearest(pool, POOLS)}", pool=pool)
    require(is_integer(stages, least=1), name, "stages, an integer above 0", stages=stages)
    x = inputs = start(name, input_shape, input_tensor)
    shared = {"tile": tile} if layer == "tiled" else {}
    for stage in range(1, stages + 1):
        x = KINDS[layer](
            filters,
            kernel_size,
            strides=1 if pool else strides,
            padding=padding,
            dilation_rate=dilation_rate,
            activation=activation,
            kernel_initializer=kernel_initializer,
            name=f"stage{stage}_conv" if pool else f"stage{stage}",
            **shared,
        )(x)
        x = POOLS[pool](strides, name=f"stage{stage}")(x) if pool else x
    x = classify(name, x, include_top, classes, classifier_activation, pooling, kernel_initializer=kernel_initializer)
    return finish(name, inputs, x, weights)


def mnist1d_fc(
    units=(285, 135, 60),
    activation="relu",
    kernel_initializer="he_uniform",
    input_shape=(40, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="mnist1d_fc",
):
    """Signals (B, 40, 1) -> probabilities (B, 10), by fully connected layers.

    Settings: units of each hidden layer, activation. Layers: flatten, stage1 ... , predictions.
    """
    good = isinstance(units, (tuple, list)) and all(is_integer(n, least=1) for n in units)
    require(good, name, "units, a list of integers above 0", units=units)
    inputs = start(name, input_shape, input_tensor)
    x = layers.Flatten(name="flatten")(inputs)
    for stage, width in enumerate(units, start=1):
        dense = layers.Dense(width, activation, kernel_initializer=kernel_initializer, name=f"stage{stage}")
        x = dense(x)
    x = classify(name, x, include_top, classes, classifier_activation, pooling, kernel_initializer=kernel_initializer)
    return finish(name, inputs, x, weights)


register_family(
    mnist1d_conv, {"mnist1d_cnn": {}, "mnist1d_local": {"layer": "local"}, "mnist1d_tiled": {"layer": "tiled"}}
)
register_family(mnist1d_fc, {"mnist1d_fc": {}, "mnist1d_fc100": {"units": (100, 100)}})
register_weights(  # of the run mnist1d_cnn, seed 0
    "mnist1d_cnn",
    "mnist1d",
    "mnist1d_cnn.weights.h5",
    "ee90c01e64893cbe07e89dc70e64321e72cfd868d1d7d1d0003292382c3f5d17",
)

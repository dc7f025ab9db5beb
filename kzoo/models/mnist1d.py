"""The MNIST-1D models: three strided convolutions, and fully connected layers of the same sizes.

Source: Prince 2023, "Understanding Deep Learning", sections 8.1 and 10.2 and their notebooks; the data: Greydanus &
Kobak 2020, arXiv:2011.14439. The locally connected, the low-rank and the tiled variant are kzoo's own: the same model
with less weight sharing.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kzoo.checks import nearest, require
from kzoo.layers.conv import Conv1D
from kzoo.layers.locally_connected import LocallyConnected1D
from kzoo.layers.low_rank_locally_connected import LowRankLocallyConnected1D
from kzoo.layers.lp_pooling import LPPooling1D
from kzoo.layers.max_pooling import MaxPooling1D
from kzoo.layers.tiled_conv import TiledConv1D
from kzoo.models.blocks import add_top, build_model, check_integer, check_integer_list, model_input
from kzoo.models.registry import register_family
from kzoo.models.weights import register_weights
from kzoo.types import Activation, Initializer, Padding, PathLike, Shape, Tensor

KINDS = {
    "conv": Conv1D,
    "local": LocallyConnected1D,
    "low_rank": LowRankLocallyConnected1D,
    "tiled": TiledConv1D,
}
POOLS = {"max": MaxPooling1D, "average": layers.AveragePooling1D, "lp": LPPooling1D}


def mnist1d_conv(
    layer: str = "conv",
    filters: int = 15,
    kernel_size: int = 3,
    strides: int = 2,
    stages: int = 3,
    tile: int = 2,
    kernels: int = 4,
    padding: Padding = "valid",
    dilation_rate: int = 1,
    pool: str | None = None,
    activation: Activation = "relu",
    kernel_initializer: Initializer = "he_uniform",
    input_shape: Shape = (40, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "mnist1d_cnn",
) -> keras.Model:
    """Builds a 1D network of strided convolutions whose weights are shared fully, per tile, by mixtures or not at all.

    Shapes: signals (B, 40, 1) -> probabilities (B, 10).
    Settings: layer, "conv", "tiled" (with `tile`), "low_rank" (with `kernels`, of which each position has a mixture)
    or "local"; filters, kernel_size, strides, padding, dilation_rate and activation of each of the `stages`; pool,
    "max", "average" or "lp", which replaces the strides; kernel_initializer, He's rule as in the notebooks.
    Layers: stage1 ... stage3 (after stage1_conv ..., with a pool), flatten, predictions.
    """
    require(layer in KINDS, name, f"layer, {nearest(layer, KINDS)}", layer=layer)
    require(pool is None or pool in POOLS, name, f"pool, None or {nearest(pool, POOLS)}", pool=pool)
    check_integer(name, stages=stages)
    x = inputs = model_input(name, input_shape, input_tensor)
    shared = {"tiled": {"tile": tile}, "low_rank": {"kernels": kernels}}.get(layer, {})
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
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, kernel_initializer=kernel_initializer)
    return build_model(name, inputs, x, weights)


def mnist1d_fc(
    units: Sequence[int] = (285, 135, 60),
    activation: Activation = "relu",
    kernel_initializer: Initializer = "he_uniform",
    input_shape: Shape = (40, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "mnist1d_fc",
) -> keras.Model:
    """Builds a network of fully connected layers for 1D signals.

    Shapes: signals (B, 40, 1) -> probabilities (B, 10).
    Settings: units of each hidden layer; activation; kernel_initializer, He's rule as in the notebooks.
    Layers: flatten, stage1 ..., predictions.
    """
    check_integer_list(name, units=units)
    inputs = model_input(name, input_shape, input_tensor)
    x = layers.Flatten(name="flatten")(inputs)
    for stage, width in enumerate(units, start=1):
        x = layers.Dense(width, activation, kernel_initializer=kernel_initializer, name=f"stage{stage}")(x)
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, kernel_initializer=kernel_initializer)
    return build_model(name, inputs, x, weights)


register_family(
    mnist1d_conv,
    {
        "mnist1d_cnn": {},
        "mnist1d_local": {"layer": "local"},
        "mnist1d_low_rank": {"layer": "low_rank"},
        "mnist1d_tiled": {"layer": "tiled"},
    },
)
register_family(mnist1d_fc, {"mnist1d_fc": {}, "mnist1d_fc100": {"units": (100, 100)}})
register_weights(  # trained by the run mnist1d_cnn, seed 0
    "mnist1d_cnn",
    "mnist1d",
    "mnist1d_cnn.weights.h5",
    "ee90c01e64893cbe07e89dc70e64321e72cfd868d1d7d1d0003292382c3f5d17",
)

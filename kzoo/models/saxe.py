"""Random filters under square pooling: the performance of an architecture before any training.

With circular padding and a pool over the whole map, the input that excites a filter most is a wave at the peak of the
filter's spectrum, of any phase: any filter, also a random one, is frequency-selective and invariant to shifts.

Source: Saxe, Koh, Chen, Bhand, Suresh & Ng 2011, "On random weights and unsupervised feature learning". The paper's
sizes were not available; those of 32 x 32 images are chosen here.
"""

import math

import keras
from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.lp_pooling import LPPooling2D
from kzoo.models.blocks import add_top, build_model, check_integer, model_input, scale_filters
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor

BORDERS = ("valid", "circular")


def saxe(
    filters: int = 64,
    kernel: int = 8,
    pool: int | None = 5,
    strides: int | None = None,
    padding: str = "valid",
    trainable_filters: bool = False,
    width: float = 1.0,
    input_shape: Shape = (32, 32, 1),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = "softmax",
    name: str = "saxe",
) -> keras.Model:
    """Builds a classifier on square-pooled responses of random Gaussian filters.

    Shapes: images (B, 32, 32, 1) -> probabilities (B, 10). The smallest input is kernel + pool - 1 a side.
    Settings: filters and their kernel; pool, the side of its windows, or None for the whole map; strides of the windows
    (default: pool); padding, "valid" or "circular"; trainable_filters, for comparison; width, a factor of the filters.
    Filters are drawn from N(0, 1 / n) for n weights per filter; this deviation is chosen here.
    `standardize` is the identity until `kzoo.models.adapt` computes the features' means and standard deviations from
    data.
    Layers: stage1 (pooled), standardize, predictions.
    """
    check_integer(name, kernel=kernel, pool=1 if pool is None else pool, filters=filters)
    require(padding in BORDERS, name, f"padding, one of {BORDERS}", padding=padding)
    inside = (kernel if padding == "valid" else 1) - 1
    x = inputs = model_input(name, input_shape, input_tensor, smallest=max(kernel, inside + (pool or 1)))
    (units,) = scale_filters(name, [filters], width)
    drawn = RandomNormal(stddev=1 / math.sqrt(kernel**2 * x.shape[-1]))
    more = {"padding": padding, "use_bias": False, "kernel_initializer": drawn, "trainable": trainable_filters}
    x = Conv2D(units, kernel, name="stage1_conv", **more)(x)
    require(pool or None not in x.shape[1:], name, "known sizes with pool=None", shape=tuple(x.shape[1:]))
    high, wide = (pool, pool) if pool else x.shape[1:-1]
    x = LPPooling2D((high, 1), (strides or high, 1), name="stage1_rows")(x)  # the norm of norms is the norm of all
    x = LPPooling2D((1, wide), (1, strides or wide), name="stage1")(x)
    hidden = [layers.Normalization(dtype="float32", name="standardize")]
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return build_model(name, inputs, x, weights)


register_family(
    saxe,
    {"saxe": {}, "saxe_circular": {"padding": "circular"}, "saxe_trained": {"trainable_filters": True}},
)

"""Random filters under square pooling: what an architecture can do before it has learned anything.

With circular borders and a pool over the whole plane the input that excites a filter most is a wave at the peak of the
filter's spectrum, wherever its crests lie: any filter, random ones too, prefers a frequency and does not mind shifts.

Source: Saxe, Koh, Chen, Bhand, Suresh & Ng 2011, "On random weights and unsupervised feature learning". The paper's
sizes were not at hand; those of 32 x 32 images are chosen here.
"""

import math

from keras import layers
from keras.initializers import RandomNormal

from kzoo.checks import require
from kzoo.layers.conv import Conv2D
from kzoo.layers.lp_pooling import LPPooling2D
from kzoo.models.blocks import classify, finish, scaled, start, whole_number
from kzoo.models.registry import register_family

BORDERS = ("valid", "circular")


def saxe(
    filters=64,
    kernel=8,
    pool=5,
    strides=None,
    padding="valid",
    trainable_filters=False,
    width=1.0,
    input_shape=(32, 32, 1),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation="softmax",
    name="saxe",
):
    """Images (B, 32, 32, 1) -> probabilities (B, 10): Gaussian filters, roots of sums of squares, one dense layer.

    Settings: filters and their kernel; pool, the side of its windows, or None for the whole plane; strides of the
    windows (default: pool); padding, "valid" or "circular"; trainable_filters, to compare with; width, a factor of the
    filters. `standardize` learns means and deviations of the features from data by `kzoo.models.adapt`, until when it
    changes nothing. Layers: stage1 (pooled), standardize, predictions. The smallest input is kernel + pool - 1 a side.
    """
    whole_number(name, kernel=kernel, pool=1 if pool is None else pool, filters=filters)
    require(padding in BORDERS, name, f"padding, one of {BORDERS}", padding=padding)
    inside = (kernel if padding == "valid" else 1) - 1
    x = inputs = start(name, input_shape, input_tensor, smallest=max(kernel, inside + (pool or 1)))
    (units,) = scaled(name, [filters], width)
    drawn = RandomNormal(stddev=1 / math.sqrt(kernel**2 * x.shape[-1]))
    more = {"padding": padding, "use_bias": False, "kernel_initializer": drawn, "trainable": trainable_filters}
    x = Conv2D(units, kernel, name="stage1_conv", **more)(x)
    require(pool or None not in x.shape[1:], name, "known sizes with pool=None", shape=tuple(x.shape[1:]))
    high, wide = (pool, pool) if pool else x.shape[1:-1]
    x = LPPooling2D((high, 1), (strides or high, 1), name="stage1_rows")(x)  # the norm of norms is the norm of all
    x = LPPooling2D((1, wide), (1, strides or wide), name="stage1")(x)
    hidden = [layers.Normalization(dtype="float32", name="standardize")]
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden)
    return finish(name, inputs, x, weights)


VARIANTS = {"saxe": {}, "saxe_circular": {"padding": "circular"}, "saxe_trained": {"trainable_filters": True}}
register_family(saxe, VARIANTS)

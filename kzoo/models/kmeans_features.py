"""A linear classifier on k-means features: codes of whitened patches, summed over four quadrants.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", and the authors'
demonstration code.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import layers
from keras.regularizers import L2

from kzoo.checks import is_number, require
from kzoo.layers.kmeans_features import KMeansFeatures2D
from kzoo.models.blocks import add_top, build_model, check_integer, model_input
from kzoo.models.registry import register_family
from kzoo.types import Activation, PathLike, Shape, Tensor


def kmeans_features(
    filters: int = 1600,
    kernel: int = 6,
    strides: int = 1,
    encoding: str = "triangle",
    epsilon: float = 10.0,
    whitening_epsilon: float = 0.1,
    l2: float = 0.005,
    input_shape: Shape = (32, 32, 3),
    input_tensor: Tensor | None = None,
    classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    weights: PathLike | None = None,
    classifier_activation: Activation = None,
    name: str = "kmeans_features",
) -> keras.Model:
    """Builds a linear classifier on codes of image patches by a k-means dictionary.

    Shapes: images (B, 32, 32, 3), values 0 to 255 -> scores (B, 10), for the loss `kzoo.losses.SparseSquaredHinge`.
    Without the top: the codes. The smallest input is kernel + strides a side.
    Only the classifier is trained: `kzoo.models.adapt(model, images)` learns the dictionary, and then the means and
    standard deviations of the features. Training runs do this themselves.
    Settings: filters, the size of the dictionary; kernel, the side of its patches; strides; encoding, "triangle" or
    "hard"; epsilon, added to a patch's variance, in squared units of the input, and whitening_epsilon; l2, Keras's
    factor for the classifier, 1 / (2 C) with the authors' C = 100. The authors add 0.01 under the root of the standard
    deviations; here nothing is added. The classifier's weights are 0 at first, as in the authors' code. K-means
    starts from patches, chosen by k-means++, theirs from Gaussian noise; both run 50 passes.
    Layers: stage1 (the codes), stage1_mean and stage1_sum (of quadrants; a middle row belongs to the upper ones, a
    middle column to the left ones), standardize, predictions.
    """
    check_integer(name, filters=filters, kernel=kernel, strides=strides)
    require(is_number(l2) and l2 >= 0, name, "l2, a number of at least 0", l2=l2)
    x = inputs = model_input(name, input_shape, input_tensor, smallest=kernel + strides)
    more: dict[str, Any] = {"encoding": encoding, "epsilon": epsilon, "whitening_epsilon": whitening_epsilon}
    x = KMeansFeatures2D(filters, kernel, strides=strides, name="stage1", **more)(x)
    if include_top:
        size = x.shape[1:-1]
        require(None not in size, name, "known sizes with include_top=True", input_shape=tuple(input_shape))
        half = tuple(math.ceil(n / 2) for n in size)
        x = layers.AveragePooling2D(half, padding="same", name="stage1_mean")(x)
        rows, columns = ([first, n - first] for first, n in zip(half, size))
        sizes = np.multiply.outer(rows, columns)[..., None]
        x = layers.Rescaling(sizes.tolist(), name="stage1_sum")(x)  # sum = mean * size; "same" padding is not averaged
    hidden = [layers.Normalization(dtype="float32", name="standardize")]
    more = {"kernel_initializer": "zeros", "kernel_regularizer": L2(l2) if l2 else None}
    x = add_top(name, x, include_top, classes, classifier_activation, pooling, hidden, **more)
    return build_model(name, inputs, x, weights)


register_family(kmeans_features, {"kmeans_features": {}, "kmeans_features_4000": {"filters": 4000}})

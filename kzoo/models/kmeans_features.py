"""Features by k-means: a dictionary of whitened patches, counted in four quadrants, under a linear classifier.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", and the
authors' demonstration code.
"""

import math

import numpy as np
from keras import layers
from keras.regularizers import L2

from kzoo.checks import is_number, require
from kzoo.layers.kmeans_features import KMeansFeatures2D
from kzoo.models.blocks import classify, finish, start, whole_number
from kzoo.models.registry import register_family


def kmeans_features(
    filters=1600,
    kernel=6,
    strides=1,
    encoding="triangle",
    epsilon=10.0,
    whitening_epsilon=0.1,
    l2=0.005,
    input_shape=(32, 32, 3),
    input_tensor=None,
    classes=10,
    include_top=True,
    pooling=None,
    weights=None,
    classifier_activation=None,
    name="kmeans_features",
):
    """Images (B, 32, 32, 3), bytes -> scores (B, 10), for the loss `kzoo.losses.SparseSquaredHinge`.

    Nothing but the classifier is trained: `kzoo.models.adapt(net, images)` learns the dictionary, and the features'
    means and deviations after it; a run does so by itself.
    Settings: filters, the size of the dictionary; kernel, the side of its patches; strides; encoding, "triangle" or
    "hard"; epsilon, for the contrast of a patch, in the square of the input's unit, and whitening_epsilon; l2, Keras's
    factor of the classifier, 1 / (2 C) with the authors' C = 100. To the authors' standard deviations 0.01 is added
    under the root, to these nothing. Layers: stage1 (the codes), stage1_mean and stage1_sum (of quadrants; a middle row
    goes to those above, a middle column to those on the left), standardize, predictions. The smallest input is
    kernel + strides a side. Without the top: the codes.
    """
    whole_number(name, filters=filters, kernel=kernel, strides=strides)
    require(is_number(l2) and l2 >= 0, name, "l2, a number of at least 0", l2=l2)
    x = inputs = start(name, input_shape, input_tensor, smallest=kernel + strides)
    more = {"encoding": encoding, "epsilon": epsilon, "whitening_epsilon": whitening_epsilon}
    x = KMeansFeatures2D(filters, kernel, strides=strides, name="stage1", **more)(x)
    if include_top:
        size = x.shape[1:-1]
        require(None not in size, name, "known sizes with include_top=True", input_shape=tuple(input_shape))
        half = tuple(math.ceil(n / 2) for n in size)
        x = layers.AveragePooling2D(half, padding="same", name="stage1_mean")(x)
        rows, columns = ([first, n - first] for first, n in zip(half, size))
        cells = np.multiply.outer(rows, columns)[..., None]
        x = layers.Rescaling(cells.tolist(), name="stage1_sum")(x)  # means of what is there, times how much that is
    hidden = [layers.Normalization(dtype="float32", name="standardize")]
    more = {"kernel_initializer": "zeros", "kernel_regularizer": L2(l2) if l2 else None}
    x = classify(name, x, include_top, classes, classifier_activation, pooling, hidden, **more)
    return finish(name, inputs, x, weights)


register_family(kmeans_features, {"kmeans_features": {}, "kmeans_features_4000": {"filters": 4000}})

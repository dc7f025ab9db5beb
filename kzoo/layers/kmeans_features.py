"""Features that k-means learned: a dictionary of patches, without labels and without back-propagation.

Source: as `kzoo.ops.kmeans_features`.
"""

import math

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_last, to_last
from kzoo.ops.kmeans_features import as_coding, kmeans_features


@keras.saving.register_keras_serializable("kzoo")
class KMeansFeatures2D(BaseWindow):
    """How much nearer than on average each patch is to each centroid of a dictionary, patches evened and whitened.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights, not trained, for patches of D = cells * C values: mean (D,), whitening (D, D), centroids (filters, D).
    `adapt` learns them; until then they are 0, the identity and random.
    Arguments: filters, the number of centroids; kernel_size, strides, padding, data_format, dilation_rate as
    `Conv2D`; epsilon, added to the variance of a patch, and whitening_epsilon, to those of the principal components,
    in the square of the input's unit (10 for bytes, 10 / 255^2 for [0, 1]) and without unit; encoding, "triangle",
    max(0, mean distance - distance), or "hard", 1 at the nearest centroid.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.kmeans_features`.

    >>> layer = KMeansFeatures2D(16, 6)
    >>> layer.adapt(np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)))
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape)
    (1, 27, 27, 16)
    """

    rank = 2
    size_name = "kernel_size"

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        epsilon=10.0,
        whitening_epsilon=0.1,
        encoding="triangle",
        **kwargs,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(filters, least=1), who, "filters, an integer above 0", filters=filters)
        good = is_number(whitening_epsilon) and 0 < whitening_epsilon < math.inf
        require(good, who, "whitening_epsilon, a number above 0", whitening_epsilon=whitening_epsilon)
        self.filters, self.whitening_epsilon = int(filters), float(whitening_epsilon)
        self.coding = as_coding(who, epsilon, encoding)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)

    def build(self, input_shape):
        channels = self.last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.compute_output_shape(input_shape)
        depth, fixed = math.prod(self.kernel_size) * channels, {"trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(depth,), initializer="zeros", **fixed)
        self.whitening = self.add_weight(name="whitening", shape=(depth, depth), initializer="identity", **fixed)
        start = "random_normal"
        self.centroids = self.add_weight(name="centroids", shape=(self.filters, depth), initializer=start, **fixed)

    def adapt(self, data, patches=400_000, iterations=50, seed=0):
        """Learn mean, whitening and centroids from patches drawn at random from images, the layer's inputs.

        Shapes: data, an array (N, H, W, C) in the layer's data format, or a dataset of batches of such.
        Errors: ValueError if the images have fewer patches than the layer has centroids.
        """
        from sklearn.cluster import MiniBatchKMeans

        who = type(self).__name__
        parts = [np.asarray(data)] if hasattr(data, "shape") else [np.asarray(part) for part in data]
        images = np.concatenate(parts)
        require(images.ndim == 4, who, "images of rank 4", data=images.shape)
        if not self.built:
            self.build((None, *images.shape[1:]))
            self.built = True
        images = images if self.data_format == "channels_last" else np.moveaxis(images, 1, -1)
        wide = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate)]
        places = (len(images), images.shape[1] - wide[0] + 1, images.shape[2] - wide[1] + 1)
        most = math.prod(max(n, 0) for n in places)
        require(most >= self.filters, who, f"images of at least {self.filters} patches", patches=most)
        draw = np.random.default_rng(seed)
        which = np.unravel_index(draw.choice(most, min(patches, most), replace=False, shuffle=False), places)
        views = np.lib.stride_tricks.sliding_window_view(images, wide, axis=(1, 2))
        views = views[..., :: self.dilation_rate[0], :: self.dilation_rate[1]]  # (N, H', W', C, *kernel_size)
        rows = np.moveaxis(views[which], 1, -1).reshape(len(which[0]), -1).astype("float32")
        rows -= rows.mean(1, keepdims=True)
        rows /= np.sqrt(rows.var(1, keepdims=True) + self.epsilon)
        mean = rows.mean(0)
        values, axes = np.linalg.eigh(np.cov(rows, rowvar=False))
        # ZCA: scaled along the principal components, and turned back
        whitening = (axes / np.sqrt(np.maximum(values, 0) + self.whitening_epsilon)) @ axes.T
        rows = (rows - mean) @ whitening.astype("float32")
        batch = max(4096, 2 * self.filters)
        means = MiniBatchKMeans(
            self.filters, max_iter=iterations, batch_size=batch, n_init=1, random_state=seed, reassignment_ratio=0
        )
        self.mean.assign(mean)
        self.whitening.assign(whitening)
        self.centroids.assign(means.fit(rows).cluster_centers_)

    @property
    def epsilon(self):
        """What is added to the variance of a patch."""
        return self.coding["epsilon"]

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        geometry = (self.kernel_size, self.strides, self.padding, self.dilation_rate)
        y = kmeans_features(x, self.mean, self.whitening, self.centroids, *geometry, **self.coding)
        return from_last(y, self.data_format)

    def compute_output_shape(self, input_shape):
        self.window.check(type(self).__name__, self.last_shape(input_shape)[1:-1])
        return self.output_shape(input_shape, self.filters)

    def get_config(self):
        config = {"filters": self.filters, "whitening_epsilon": self.whitening_epsilon, **self.coding}
        return {**super().get_config(), **config}

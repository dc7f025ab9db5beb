"""Features learned by k-means: a dictionary of image patches, without labels or back-propagation.

Source: as `kzoo.ops.kmeans_features`.
"""

import math
from typing import Any

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.ops.kmeans_features import as_coding, kmeans_features
from kzoo.types import DataFormat, KnownShape, Padding, Shape, Size, Tensor


@keras.saving.register_keras_serializable("kzoo")
class KMeansFeatures2D(BaseWindow):
    """Encodes each contrast-normalized, whitened patch by its distances to centroids that k-means learned.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: mean (D,), whitening (D, D) and centroids (filters, D) for patches of D values, none of them trained. They
    are zeros, the identity and random until `adapt` computes them.
    Arguments: filters, the number of centroids; kernel_size, strides, padding, data_format and dilation_rate as
    `Conv2D`; epsilon, added to a patch's variance, in the square of the input's unit (10 for bytes, 10 / 255^2 for [0,
    1]); whitening_epsilon, added to the variances of the principal components; encoding, "triangle", max(0, mean
    distance - distance), or "hard", 1 at the nearest centroid.

    >>> layer = KMeansFeatures2D(16, 6)
    >>> layer.adapt(np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)))
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape)
    (1, 27, 27, 16)
    """

    rank = 2
    size_name = "kernel_size"

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        epsilon: float = 10.0,
        whitening_epsilon: float = 0.1,
        encoding: str = "triangle",
        **kwargs: Any,
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
        channels = self.channels_last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.compute_output_shape(input_shape)
        depth, options = math.prod(self.kernel_size) * channels, {"trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(depth,), initializer="zeros", **options)
        self.whitening = self.add_weight(name="whitening", shape=(depth, depth), initializer="identity", **options)
        shape = (self.filters, depth)
        self.centroids = self.add_weight(name="centroids", shape=shape, initializer="random_normal", **options)

    def adapt(self, data: Any, patches: int = 400_000, iterations: int = 50, seed: int = 0) -> None:
        """Computes mean, whitening and centroids from patches drawn at random from images.

        Arguments: data, an array (N, H, W, C) in the layer's data format or an iterable of such batches; patches, and
        iterations, passes of k-means over all of them, both upper limits; seed. K-means starts from centroids that
        k-means++ chooses from a sample.
        ValueError if the images have fewer patches than the layer has centroids.
        """
        from sklearn.cluster import KMeans, kmeans_plusplus

        who = type(self).__name__
        parts = [np.asarray(data)] if hasattr(data, "shape") else [np.asarray(part) for part in data]
        images = np.concatenate(parts)
        require(images.ndim == 4, who, "images of rank 4", data=images.shape)
        if not self.built:
            self.build((None, *images.shape[1:]))
        images = images if self.data_format == "channels_last" else np.moveaxis(images, 1, -1)
        extent = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate)]
        positions = (len(images), images.shape[1] - extent[0] + 1, images.shape[2] - extent[1] + 1)
        count = math.prod(max(n, 0) for n in positions)
        require(count >= self.filters, who, f"images of at least {self.filters} patches", patches=count)
        rng = np.random.default_rng(seed)
        drawn = np.unravel_index(rng.choice(count, min(patches, count), replace=False, shuffle=False), positions)
        views = np.lib.stride_tricks.sliding_window_view(images, extent, axis=(1, 2))
        views = views[..., :: self.dilation_rate[0], :: self.dilation_rate[1]]  # (N, H', W', C, *kernel_size)
        rows = np.moveaxis(views[drawn], 1, -1).reshape(len(drawn[0]), -1).astype("float32")
        rows -= rows.mean(1, keepdims=True)
        rows /= np.sqrt(rows.var(1, keepdims=True) + self.epsilon)
        mean = rows.mean(0)
        values, axes = np.linalg.eigh(np.cov(rows, rowvar=False))
        # ZCA: scaled along the principal components, then rotated back
        whitening = (axes / np.sqrt(np.maximum(values, 0) + self.whitening_epsilon)) @ axes.T
        rows = (rows - mean) @ whitening.astype("float32")
        sample = rows[rng.permutation(len(rows))[: 10 * self.filters]]  # of all patches it takes longer than 50 passes
        start, _ = kmeans_plusplus(sample, self.filters, random_state=seed)
        # tol=0: passes go on until no patch changes its centroid
        means = KMeans(self.filters, init=start, n_init=1, max_iter=iterations, tol=0, copy_x=False)
        self.mean.assign(mean)
        self.whitening.assign(whitening)
        self.centroids.assign(means.fit(rows).cluster_centers_)

    @property
    def epsilon(self):
        """The number added to the variance of a patch."""
        return self.coding["epsilon"]

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        geometry = (self.kernel_size, self.strides, self.padding, self.dilation_rate)
        y = kmeans_features(x, self.mean, self.whitening, self.centroids, *geometry, **self.coding)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.window.check(type(self).__name__, self.channels_last_shape(input_shape)[1:-1])
        return self.output_shape(input_shape, self.filters)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of whitening and of the distances to the centroids."""
        _, *output, _ = self.channels_last_shape(output_shapes[0])
        depth = math.prod(self.kernel_size) * self.channels_last_shape(input_shapes[0])[-1]
        return 2 * math.prod(output) * depth * (depth + self.filters)

    def get_config(self):
        config = {"filters": self.filters, "whitening_epsilon": self.whitening_epsilon, **self.coding}
        return {**super().get_config(), **config}

"""Dynamic pooling: separate pooling for separate clusters in feature space.

Source: as `kzoo.ops.dynamic_pool`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer, shape_list
from kzoo.layers.data_format import (
    as_data_format,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import Fields, whole
from kzoo.ops.argmax_indices import argmax_mask
from kzoo.ops.dynamic_pool import POOLINGS, as_levels, dynamic_pool
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class DynamicPooling2D(BaseLayer):
    """Pools the positions of each cluster of features separately, within each bin of a spatial pyramid.

    Shapes: codes (B, H, W, C), or channels first, of any size, or [codes, descriptors (B, H, W, D)] -> (B, bins *
    clusters * C): bin after bin, and within a bin cluster after cluster; 0 where a bin holds no member of a cluster.
    Weights: centroids (clusters, D), not trained, in the space of the descriptors; without descriptors the codes are
    used. They are random until `adapt` computes them by k-means.
    Arguments: clusters; bins, the number of bins along each axis, for each level; pooling, "average" or "max";
    data_format.

    >>> layer = DynamicPooling2D(4, bins=(1, 2))
    >>> layer.adapt(np.random.default_rng(0).normal(size=(8, 6, 6, 3)))
    >>> tuple(layer(keras.ops.ones((1, 5, 7, 3))).shape)
    (1, 60)
    """

    def __init__(
        self,
        clusters: int,
        bins: Sequence[int] = (1,),
        pooling: str = "average",
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(clusters, least=1), who, "clusters, an integer above 0", clusters=clusters)
        require(pooling in POOLINGS, who, f"pooling, one of {POOLINGS}", pooling=pooling)
        self.clusters, self.bins, self.pooling = int(clusters), as_levels(who, bins), pooling
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        depth = self._shapes(input_shape)[-1][-1]
        require(depth is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.centroids = self.add_weight(
            name="centroids", shape=(self.clusters, depth), initializer="random_normal", trainable=False
        )

    def adapt(self, data: Any, seed: int = 0, iterations: int = 50) -> None:
        """Computes the centroids by k-means from descriptors.

        Arguments: data, a channels-last array (..., D) or an iterable of such arrays; seed; iterations, an upper limit
        of the passes of k-means over all descriptors. The best of three starts is kept.
        ValueError if there are fewer descriptors than clusters.
        """
        from sklearn.cluster import KMeans

        parts = [np.asarray(data)] if hasattr(data, "shape") else [np.asarray(part) for part in data]
        rows = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts]).astype("float32")
        expected = f"at least {self.clusters} descriptors, as many as clusters"
        require(len(rows) >= self.clusters, type(self).__name__, expected, descriptors=len(rows))
        if not self.built:
            self.build(shape_from_channels_last((None, None, None, rows.shape[-1]), self.data_format))
        depth = self.centroids.shape[1]
        require(rows.shape[1] == depth, type(self).__name__, f"descriptors of {depth} numbers", data=rows.shape)
        # tol=0: passes go on until no descriptor changes its centroid
        means = KMeans(self.clusters, n_init=3, max_iter=iterations, tol=0, random_state=seed).fit(rows)
        self.centroids.assign(means.cluster_centers_)

    def call(self, inputs: Tensor) -> Tensor:
        codes, *others = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        codes = to_channels_last(codes, self.data_format)
        descriptors = to_channels_last(others[0], self.data_format) if others else codes
        y = dynamic_pool(codes, self.assign(descriptors, codes.dtype), self.bins, self.pooling)
        return ops.reshape(y, (-1, y.shape[1] * y.shape[2] * y.shape[3]))

    def assign(self, descriptors, dtype):
        """Returns the cluster nearest to each channels-last descriptor, one-hot in the last axis."""
        x, centroids = ops.cast(descriptors, "float32"), ops.cast(self.centroids, "float32")
        # without the descriptor's own square, which is the same for all clusters
        distances = ops.sum(centroids**2, -1) - 2 * ops.matmul(x, ops.transpose(centroids))
        return ops.cast(argmax_mask(-distances), dtype)

    def _shapes(self, input_shape):
        """Returns the channels-last shapes of the codes and, where given, of the descriptors."""
        who, shapes = type(self).__name__, shape_list(input_shape)
        require(len(shapes) in (1, 2), who, "codes, or [codes, descriptors]", inputs=len(shapes))
        return [shape_to_channels_last(who, shape, 2, self.data_format) for shape in shapes]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who, shapes = type(self).__name__, self._shapes(input_shape)
        codes, descriptors = shapes[0], shapes[-1]
        require(codes[-1] is not None, who, "a known number of channels", shape=codes)
        require(0 not in codes[1:-1], who, "an input of at least 1 pixel on each axis", shape=codes)
        same_size = all(a == b or None in (a, b) for a, b in zip(codes[:-1], descriptors[:-1]))
        require(same_size, who, "codes and descriptors of one size", codes=codes, descriptors=descriptors)
        return codes[0], sum(n * n for n in self.bins) * self.clusters * codes[-1]

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of the distances to the centroids, and of the sums over each cluster's members."""
        *_, height, width, channels = self._shapes(input_shapes)[0]
        depth = self._shapes(input_shapes)[-1][-1]
        return 2 * height * width * self.clusters * (depth + len(self.bins) * channels)

    def get_config(self):
        names = ("clusters", "bins", "pooling", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

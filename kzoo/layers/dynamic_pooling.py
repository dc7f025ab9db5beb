"""Dynamic pooling: separate pools for separate clusters in feature space.

Source: as `kzoo.ops.dynamic_pool`.
"""

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer, shapes_of
from kzoo.layers.data_format import as_data_format, shape_to_last, to_last
from kzoo.ops.argmax_indices import first_largest
from kzoo.ops.dynamic_pool import POOLINGS, dynamic_pool
from kzoo.ops.spatial_pyramid_pool import as_levels


@keras.saving.register_keras_serializable("kzoo")
class DynamicPooling2D(BaseLayer):
    """Pools the positions of each cluster of features apart, within each cell of a spatial pyramid.

    Shapes: codes (B, H, W, C), or channels first, of any size, or [codes, descriptors (B, H, W, D)] -> (B, cells *
    clusters * C), cell after cell, within it cluster after cluster; 0 where a cell holds none of a cluster.
    Weights, not trained: centroids (clusters, D), in the space of the descriptors, which are the codes themselves where
    none are given. `adapt` learns them by k-means; until then they are random.
    Arguments: clusters; bins, the cells an axis of each level; pooling, "average" or "max"; data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.dynamic_pool`.

    >>> layer = DynamicPooling2D(4, bins=(1, 2))
    >>> layer.adapt(np.random.default_rng(0).normal(size=(8, 6, 6, 3)))
    >>> tuple(layer(keras.ops.ones((1, 5, 7, 3))).shape)
    (1, 60)
    """

    def __init__(self, clusters, bins=(1,), pooling="average", data_format=None, **kwargs):
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

    def adapt(self, data, seed=0):
        """Learn the centroids from descriptors by k-means: an array (..., D), channels last, or a dataset of such.

        Errors: ValueError if there are fewer descriptors than clusters.
        """
        from sklearn.cluster import MiniBatchKMeans

        parts = [np.asarray(data)] if hasattr(data, "shape") else [np.asarray(part) for part in data]
        rows = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts]).astype("float32")
        expected = f"at least {self.clusters} descriptors, as many as clusters"
        require(len(rows) >= self.clusters, type(self).__name__, expected, descriptors=len(rows))
        if not self.built:
            image = (None, None, None, rows.shape[-1])
            self.build(image if self.data_format == "channels_last" else (None, rows.shape[-1], None, None))
            self.built = True
        depth = self.centroids.shape[1]
        require(rows.shape[1] == depth, type(self).__name__, f"descriptors of {depth} numbers", data=rows.shape)
        means = MiniBatchKMeans(self.clusters, random_state=seed, n_init=3).fit(rows)
        self.centroids.assign(means.cluster_centers_)

    def call(self, inputs):
        codes, *others = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        codes = to_last(codes, self.data_format)
        descriptors = to_last(others[0], self.data_format) if others else codes
        y = dynamic_pool(codes, self.assign(descriptors, codes.dtype), self.bins, self.pooling)
        return ops.reshape(y, (-1, y.shape[1] * y.shape[2] * y.shape[3]))

    def assign(self, descriptors, dtype):
        """1 at the cluster nearest to each descriptor (channels last), 0 at the others."""
        x, centroids = ops.cast(descriptors, "float32"), ops.cast(self.centroids, "float32")
        # less the descriptor's own square, the same for all clusters
        distances = ops.sum(centroids**2, -1) - 2 * ops.matmul(x, ops.transpose(centroids))
        return ops.cast(first_largest(-distances), dtype)

    def _shapes(self, input_shape):
        """The shapes of codes and, where given, descriptors, channels last."""
        who, shapes = type(self).__name__, shapes_of(input_shape)
        require(len(shapes) in (1, 2), who, "codes, or [codes, descriptors]", inputs=len(shapes))
        return [shape_to_last(who, shape, 2, self.data_format) for shape in shapes]

    def compute_output_shape(self, input_shape):
        who, shapes = type(self).__name__, self._shapes(input_shape)
        codes, descriptors = shapes[0], shapes[-1]
        require(codes[-1] is not None, who, "a known number of channels", shape=codes)
        require(0 not in codes[1:-1], who, "an input of at least 1 cell on each axis", shape=codes)
        alike = all(a == b or None in (a, b) for a, b in zip(codes[:-1], descriptors[:-1]))
        require(alike, who, "codes and descriptors of one size", codes=codes, descriptors=descriptors)
        return codes[0], sum(n * n for n in self.bins) * self.clusters * codes[-1]

    def get_config(self):
        names = ("clusters", "bins", "pooling", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

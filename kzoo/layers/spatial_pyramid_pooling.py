"""Spatial pyramid pooling: features of one length from images of any size.

Source: as `kzoo.ops.spatial_pyramid_pool`.
"""

import keras

from kzoo.checks import require
from kzoo.layers.data_format import as_data_format, shape_to_last, to_last
from kzoo.ops.spatial_pyramid_pool import as_levels, spatial_pyramid_pool


@keras.saving.register_keras_serializable("kzoo")
class SpatialPyramidPooling2D(keras.layers.Layer):
    """Max pooling to grids of `bins` x `bins` cells, flattened and side by side.

    Shapes: (B, H, W, C), or channels first, of any size -> (B, C * sum of bins^2): level after level, in each row after
    row, the channels of a bin together in both data formats.
    Arguments: bins, the cells an axis of each level; data_format.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.spatial_pyramid_pool`.

    >>> tuple(SpatialPyramidPooling2D((6, 3, 2, 1))(keras.ops.ones((1, 13, 10, 256))).shape)
    (1, 12800)
    """

    def __init__(self, bins=(6, 3, 2, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.bins = as_levels(type(self).__name__, bins)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        return spatial_pyramid_pool(to_last(inputs, self.data_format), self.bins)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        shape = shape_to_last(who, input_shape, 2, self.data_format)
        require(shape[-1] is not None, who, "a known number of channels", shape=tuple(input_shape))
        require(0 not in shape[1:-1], who, "an input of at least 1 cell on each axis", shape=tuple(input_shape))
        return shape[0], shape[-1] * sum(n * n for n in self.bins)

    def get_config(self):
        return {**super().get_config(), "bins": self.bins, "data_format": self.data_format}

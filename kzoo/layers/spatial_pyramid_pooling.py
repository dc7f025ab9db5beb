"""Spatial pyramid pooling: feature vectors of fixed length from images of any size.

Source: as `kzoo.ops.spatial_pyramid_pool`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.data_format import as_data_format, shape_to_channels_last, to_channels_last
from kzoo.layers.field import Fields, whole
from kzoo.ops.spatial_pyramid_pool import as_levels, spatial_pyramid_pool
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class SpatialPyramidPooling2D(keras.layers.Layer):
    """Max pooling over grids of several resolutions, concatenated to one vector of fixed length.

    Shapes: (B, H, W, C), or channels first, of any size -> (B, C * sum of bins^2): level by level, row by row, with the
    channels of a bin next to each other in both data formats.
    Arguments: bins, the number of bins along each axis, for each level; data_format.

    >>> tuple(SpatialPyramidPooling2D((6, 3, 2, 1))(keras.ops.ones((1, 13, 10, 256))).shape)
    (1, 12800)
    """

    def __init__(self, bins: Sequence[int] = (6, 3, 2, 1), data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.bins = as_levels(type(self).__name__, bins)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # so that errors name the layer, not the op

    def call(self, inputs: Tensor) -> Tensor:
        return spatial_pyramid_pool(to_channels_last(inputs, self.data_format), self.bins)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        shape = shape_to_channels_last(who, input_shape, 2, self.data_format)
        require(shape[-1] is not None, who, "a known number of channels", shape=tuple(input_shape))
        require(0 not in shape[1:-1], who, "an input of at least 1 pixel on each axis", shape=tuple(input_shape))
        return shape[0], shape[-1] * sum(n * n for n in self.bins)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return len(self.bins) * math.prod(input_shapes[0][1:])

    def get_config(self):
        return {**super().get_config(), "bins": self.bins, "data_format": self.data_format}

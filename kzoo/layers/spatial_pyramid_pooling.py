"""Spatial pyramid pooling: feature vectors of fixed length from images of any size.

Source: as `kzoo.ops.spatial_pyramid_pool`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.base_layer import FLOATING, ORDERED, BaseLayer
from kzoo.layers.data_format import as_data_format, shape_to_channels_last, to_channels_last
from kzoo.layers.field import Fields, whole
from kzoo.ops.spatial_pyramid_pool import as_grids, spatial_pyramid_pool
from kzoo.ops.views import as_plain
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class SpatialPyramidPooling2D(BaseLayer):
    """Max or average pooling over grids of several resolutions, concatenated to one vector of fixed length.

    Shapes: (B, H, W, C), or channels first, of any size -> (B, C * number of bins): level by level, row by row, with
    the channels of a bin next to each other in both data formats.
    Arguments: bins, for each level the number of bins along both axes, or a pair of numbers; data_format; pooling,
    "max" or "average". TensorFlow Addons' layer is the average, for sizes that are multiples of the bins; others it
    crops.

    >>> tuple(SpatialPyramidPooling2D((6, 3, 2, 1))(keras.ops.ones((1, 13, 10, 256))).shape)
    (1, 12800)
    """

    def __init__(
        self,
        bins: Sequence[int | Sequence[int]] = (6, 3, 2, 1),
        data_format: DataFormat = None,
        pooling: str = "max",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.grids = as_grids(who, bins, 2, pooling)
        self.bins, self.pooling = as_plain(bins), pooling
        self.takes = ORDERED if pooling == "max" else FLOATING
        self.data_format = as_data_format(who, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        return spatial_pyramid_pool(to_channels_last(inputs, self.data_format), self.bins, self.pooling)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        shape = shape_to_channels_last(who, input_shape, 2, self.data_format)
        require(shape[-1] is not None, who, "a known number of channels", shape=tuple(input_shape))
        require(0 not in shape[1:-1], who, "an input of at least 1 pixel on each axis", shape=tuple(input_shape))
        return shape[0], shape[-1] * sum(rows * columns for rows, columns in self.grids)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return len(self.bins) * math.prod(input_shapes[0][1:])

    def get_config(self):
        names = ("bins", "data_format", "pooling")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

"""Adaptive average pooling layers: from any input size to a fixed output size.

Source: as `kzoo.ops.adaptive_average_pool`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import Fields, bins_field
from kzoo.ops.adaptive_average_pool import adaptive_average_pool, as_bins, bins_of
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


class BaseAdaptivePooling(BaseLayer):
    """Arguments and shapes shared by the adaptive pooling layers."""

    rank: int

    def __init__(self, output_size: int | Sequence[int | None] | None, data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = as_bins(type(self).__name__, output_size, self.rank)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        shape = shape_to_channels_last(who, input_shape, self.rank, self.data_format)
        size = (n if bins is None else bins for n, bins in zip(shape[1:-1], bins_of(who, shape, self.output_size)))
        return shape_from_channels_last((shape[0], *size, shape[-1]), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        spatial = shape_to_channels_last(type(self).__name__, input_shapes[0], self.rank, self.data_format)[1:-1]
        return tuple(map(bins_field, spatial, self.output_size))

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return math.prod(input_shapes[0][1:])

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling(BaseAdaptivePooling):
    """Any rank; use `AdaptiveAveragePooling1D`, `2D` or `3D`."""

    def call(self, inputs: Tensor) -> Tensor:
        return from_channels_last(
            adaptive_average_pool(to_channels_last(inputs, self.data_format), self.output_size), self.data_format
        )


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """Average pooling of signals of any length to a fixed number of outputs.

    Shapes: (B, L, C) -> (B, output_size, C), or channels first; L may be unknown.
    Arguments: output_size, an integer above 0, or None to keep the axis as it is; data_format.

    >>> AdaptiveAveragePooling1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)))[0, :, 0].numpy()
    array([0.5, 2.5], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """Average pooling of images of any size to a fixed output size.

    Shapes: (B, H, W, C) -> (B, *output_size, C), or channels first; H and W may be unknown.
    Arguments: output_size, an integer or None for both axes, or two of these; data_format.

    >>> tuple(AdaptiveAveragePooling2D((2, None))(keras.ops.ones((1, 5, 7, 3))).shape)
    (1, 2, 7, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """Average pooling of volumes or clips of any size to a fixed output size.

    Shapes: (B, D, H, W, C) -> (B, *output_size, C), or channels first; D, H and W may be unknown.
    Arguments: output_size, an integer or None for all axes, or three of these; data_format.

    >>> tuple(AdaptiveAveragePooling3D(2)(keras.ops.ones((1, 5, 7, 3, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

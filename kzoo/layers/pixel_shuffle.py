"""Pixel shuffling layers, which enlarge a map without interpolation, and their inverse.

Source: as `kzoo.ops.pixel_shuffle`.
"""

import math
from fractions import Fraction
from typing import Any

import keras

from kzoo.layers.base_layer import ANY, BaseLayer
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import Field, Fields
from kzoo.ops.pixel_shuffle import as_factor, check_blocks, pixel_shuffle, pixel_unshuffle, shuffled_channels
from kzoo.types import DataFormat, KnownShape, Shape, Size, Tensor


class BasePixelShuffle(BaseLayer):
    """The arguments of both layers, and the conversion of the data format."""

    rank: int
    takes = ANY

    def __init__(self, factor: Size, order: str = "CRD", data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.factor, self.order = as_factor(who, factor, order, self.rank), order
        self.data_format = as_data_format(who, data_format)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "order": self.order, "data_format": self.data_format}


class PixelShuffle(BasePixelShuffle):
    """Any rank; use `PixelShuffle1D`, `2D` or `3D`."""

    def call(self, inputs: Tensor) -> Tensor:
        y = pixel_shuffle(to_channels_last(inputs, self.data_format), self.factor, self.order)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, self.rank, self.data_format)
        larger = (None if n is None else n * f for n, f in zip(spatial, self.factor))
        return shape_from_channels_last(
            (batch, *larger, shuffled_channels(who, channels, self.factor)), self.data_format
        )

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return tuple(Field.between(Fraction(1 - f, f), 0, Fraction(1, f)) for f in self.factor)


class PixelUnshuffle(BasePixelShuffle):
    """Any rank; use `PixelUnshuffle1D`, `2D` or `3D`."""

    def call(self, inputs: Tensor) -> Tensor:
        y = pixel_unshuffle(to_channels_last(inputs, self.data_format), self.factor, self.order)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, self.rank, self.data_format)
        check_blocks(who, spatial, self.factor)
        smaller = (None if n is None else n // f for n, f in zip(spatial, self.factor))
        more = None if channels is None else channels * math.prod(self.factor)
        return shape_from_channels_last((batch, *smaller, more), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return tuple(Field(f, Fraction(f)) for f in self.factor)


@keras.saving.register_keras_serializable("kzoo")
class PixelShuffle1D(PixelShuffle):
    """As `PixelShuffle2D`, for series.

    >>> tuple(PixelShuffle1D(2)(keras.ops.ones((1, 5, 6))).shape)
    (1, 10, 3)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class PixelShuffle2D(PixelShuffle):
    """Lays out each group of channels as a block of pixels, so that an image grows and its channels become fewer.

    Shapes: (B, H, W, C * F * G) -> (B, H * F, W * G, C) for a factor (F, G), or channels first.
    Arguments: factor, an integer or one for each axis; order, "CRD" as PyTorch's PixelShuffle or "DCR" as
    `tf.nn.depth_to_space`; data_format.

    >>> tuple(PixelShuffle2D(2)(keras.ops.ones((1, 5, 4, 12))).shape)
    (1, 10, 8, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class PixelShuffle3D(PixelShuffle):
    """As `PixelShuffle2D`, for volumes.

    >>> tuple(PixelShuffle3D((1, 2, 2))(keras.ops.ones((1, 5, 4, 3, 8))).shape)
    (1, 5, 8, 6, 2)
    """

    rank = 3


@keras.saving.register_keras_serializable("kzoo")
class PixelUnshuffle1D(PixelUnshuffle):
    """As `PixelUnshuffle2D`, for series.

    >>> tuple(PixelUnshuffle1D(2)(keras.ops.ones((1, 10, 3))).shape)
    (1, 5, 6)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class PixelUnshuffle2D(PixelUnshuffle):
    """Lays out each block of pixels as channels: the inverse of `PixelShuffle2D`, which halves an image without loss.

    Shapes: (B, H, W, C) -> (B, H / F, W / G, C * F * G) for a factor (F, G), or channels first. H and W must be
    multiples of the factor.
    Arguments: as of `PixelShuffle2D`; "DCR" is `tf.nn.space_to_depth`.

    >>> tuple(PixelUnshuffle2D(2)(keras.ops.ones((1, 10, 8, 3))).shape)
    (1, 5, 4, 12)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class PixelUnshuffle3D(PixelUnshuffle):
    """As `PixelUnshuffle2D`, for volumes.

    >>> tuple(PixelUnshuffle3D((1, 2, 2))(keras.ops.ones((1, 5, 8, 6, 2))).shape)
    (1, 5, 4, 3, 8)
    """

    rank = 3

"""Padding layers: with a constant, or with values of the sample itself.

Source: as `kzoo.ops.pad`.
"""

from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import is_number, require
from kzoo.layers.base_layer import ANY, BaseLayer
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import Field, Fields
from kzoo.ops.pad import MODES, as_pairs, check_pairs, pad
from kzoo.types import DataFormat, KnownShape, Shape, Tensor


class Padding(BaseLayer):
    """Any rank; use `Padding1D`, `2D` or `3D`."""

    rank: int
    takes = ANY

    def __init__(
        self,
        padding: int | Sequence[Any] = 1,
        mode: str = "zeros",
        constant_values: float = 0.0,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.padding = as_pairs(who, "padding", padding, self.rank)
        require(mode in MODES, who, f"mode, one of {MODES}", mode=mode)
        require(is_number(constant_values), who, "constant_values, a number", constant_values=constant_values)
        self.mode, self.constant_values = mode, float(constant_values)
        self.data_format = as_data_format(who, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        y = pad(to_channels_last(inputs, self.data_format), self.padding, self.mode, self.constant_values)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, self.rank, self.data_format)
        check_pairs(who, self.padding, self.mode, spatial)
        size = (None if n is None else n + sum(pair) for n, pair in zip(spatial, self.padding))
        return shape_from_channels_last((batch, *size, channels), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return tuple(Field(1, padding=before) for before, _ in self.padding)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def get_config(self):
        names = ("padding", "mode", "constant_values", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kzoo")
class Padding1D(Padding):
    """Pads signals at both ends: with a constant, circularly, by reflection or by replication.

    Shapes: (B, L, C) -> (B, L', C), or channels first.
    Arguments: padding, an integer for both sides, or ((before, after),); mode, "zeros" (filled with constant_values),
    "circular", "reflect" or "replicate"; constant_values; data_format.

    >>> Padding1D(2, "reflect")(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1)))[0, :, 0].numpy()
    array([2., 1., 0., 1., 2., 1., 0.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class Padding2D(Padding):
    """Pads the borders of images: with a constant, circularly, by reflection or by replication.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: padding, an integer for all sides, or an integer or (before, after) for each axis; the others as
    `Padding1D`.

    >>> tuple(Padding2D((1, (0, 2)), "circular")(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 11, 10, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class Padding3D(Padding):
    """Pads the borders of volumes or clips: with a constant, circularly, by reflection or by replication.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `Padding2D`.

    >>> tuple(Padding3D(1, "replicate")(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 6, 6, 6, 1)
    """

    rank = 3

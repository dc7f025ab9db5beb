"""Lp pooling across channels: over groups of features, or over neighbourhoods on a topographic map of features.

Source: as `kzoo.ops.channel_lp_pool`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    known_channels,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.ops.channel_lp_pool import as_grid, channel_lp_pool, grid_window
from kzoo.ops.lp_pool import as_norm
from kzoo.ops.views import as_plain, as_tuple
from kzoo.types import DataFormat, KnownShape, Padding, Shape, Size, Tensor


@keras.saving.register_keras_serializable("kzoo")
class ChannelLPPooling(Pointwise, BaseLayer):
    """Lp pooling across channels: the p-norm of each group of feature maps at each position.

    Shapes: (B, ..., C) -> (B, ..., C'), or channels first; any number of axes.
    Arguments: pool_size, in channels along each axis of the grid; strides (default: pool_size); padding, any of
    `Conv2D`'s; grid, None or 1 to 3 integers whose product is C; p; epsilon, added under the root; data_format.
    `ChannelLPPooling(4)` pools subspaces of four channels. `ChannelLPPooling(3, 1, "circular", grid=(8, 8))` pools
    overlapping neighbourhoods on a topographic map of 64 channels.

    >>> tuple(ChannelLPPooling(4)(keras.ops.ones((1, 9, 8, 64))).shape)
    (1, 9, 8, 16)
    """

    def __init__(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: Padding = "valid",
        grid: Sequence[int] | None = None,
        p: float = 2.0,
        epsilon: float = 0.0,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.grid = None if grid is None else as_grid(who, grid)
        rank = 1 if self.grid is None else len(self.grid)
        self.pool_size = as_tuple(who, "pool_size", pool_size, rank)
        self.strides = as_tuple(who, "strides", self.pool_size if strides is None else strides, rank)
        self.padding = as_plain(padding)
        norm = as_norm(who, p, epsilon)
        self.p, self.epsilon = norm["p"], norm["epsilon"]
        self.data_format = as_data_format(who, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        y = channel_lp_pool(x, self.pool_size, self.strides, self.padding, self.grid, self.p, self.epsilon)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        known_channels(who, input_shape, self.data_format)
        *shape, channels = shape_to_channels_last(who, input_shape, len(input_shape) - 2, self.data_format)
        names = ("pool_size", "strides", "padding", "dilation_rate")
        grid, win = grid_window(who, channels, self.grid, self.pool_size, self.strides, self.padding, names)
        return shape_from_channels_last((*shape, math.prod(win.output(grid))), self.data_format)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return math.prod(output_shapes[0][1:]) * math.prod(self.pool_size)

    def get_config(self):
        names = ("pool_size", "strides", "padding", "grid", "p", "epsilon", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

"""Lp pooling across channels: subspaces of features, or neighbourhoods on a topographic map of them.

Source: as `kzoo.ops.channel_lp_pool`.
"""

import math

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, check_channels, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.channel_lp_pool import as_grid, channel_lp_pool, grid_window
from kzoo.ops.lp_pool import as_norm
from kzoo.ops.views import as_plain, as_tuple


@keras.saving.register_keras_serializable("kzoo")
class ChannelLPPooling(BaseLayer):
    """The p-norm of groups of channels, the same whatever member of a group responds.

    Shapes: (B, ..., C) -> (B, ..., C'), or channels first; any number of axes. Units: channels.
    Arguments: pool_size, channels an axis of the grid; strides (default: pool_size); padding, any of `Conv2D`'s; grid,
    None or 1 to 3 integers whose product is C; p; epsilon, added under the root; data_format.
    `ChannelLPPooling(4)` pools subspaces of four channels; `ChannelLPPooling(3, 1, "circular", grid=(8, 8))`
    overlapping neighbourhoods of a topographic map of 64.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.channel_lp_pool`.

    >>> tuple(ChannelLPPooling(4)(keras.ops.ones((1, 9, 8, 64))).shape)
    (1, 9, 8, 16)
    """

    def __init__(
        self,
        pool_size,
        strides=None,
        padding="valid",
        grid=None,
        p=2.0,
        epsilon=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.grid = None if grid is None else as_grid(who, grid)
        rank = 1 if grid is None else len(self.grid)
        self.pool_size = as_tuple(who, "pool_size", pool_size, rank)
        self.strides = as_tuple(who, "strides", self.pool_size if strides is None else strides, rank)
        self.padding = as_plain(padding)
        norm = as_norm(who, p, epsilon)
        self.p, self.epsilon = norm["p"], norm["epsilon"]
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        y = channel_lp_pool(x, self.pool_size, self.strides, self.padding, self.grid, self.p, self.epsilon)
        return from_last(y, self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        check_channels(who, input_shape, self.data_format)
        *shape, channels = shape_to_last(who, input_shape, len(input_shape) - 2, self.data_format)
        names = ("pool_size", "strides", "padding", "dilation_rate")
        grid, win = grid_window(who, channels, self.grid, self.pool_size, self.strides, self.padding, names)
        return shape_from_last((*shape, math.prod(win.output(grid))), self.data_format)

    def get_config(self):
        names = ("pool_size", "strides", "padding", "grid", "p", "epsilon", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

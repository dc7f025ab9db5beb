"""Convolution layers with a connection table.

Source: as `kzoo.ops.table_conv`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.table_conv import check_table, random_table, table_conv
from kzoo.types import DataFormat, Padding, Size


class TableConv(BaseConv):
    """Any rank; use `TableConv1D`, `TableConv2D` or `TableConv3D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        connections: int | Sequence[Sequence[int]] | None = None,
        *args: Any,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        who = type(self).__name__
        if not (connections is None or is_integer(connections, least=1)):
            table = connections = check_table(who, connections)
            expected = f"connections, {self.filters} lists, one per filter"
            require(len(table) == self.filters, who, expected, connections=len(table))
        require(seed is None or is_integer(seed, least=0), who, "seed, an integer of at least 0", seed=seed)
        self.connections = connections
        # kept in the config, so that a random table can be drawn again
        self.seed = int(keras.initializers.RandomNormal().seed if seed is None else seed)

    def build_kernel(self, channels, output):
        who, count = type(self).__name__, channels if self.connections is None else self.connections
        if is_integer(count):
            fits = count <= channels
            require(fits, who, f"connections of at most {channels}, the input's channels", connections=count)
            self.table = random_table(channels, self.filters, count, self.seed)
        else:
            self.table = check_table(who, count, channels)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, sum(map(len, self.table))),
            initializer=self._init_filters,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def _init_filters(self, shape, dtype=None):
        """Draws each filter as one of a convolution with as many input channels."""
        counts = {len(channels) for channels in self.table}
        drawn = {n: self.kernel_initializer((*shape[:-1], n, self.filters), dtype) for n in sorted(counts)}
        return ops.concatenate([drawn[len(channels)][..., f] for f, channels in enumerate(self.table)], -1)

    def op_with_bias(self, x):
        return table_conv(x, self.kernel, self.table, self.strides, self.padding, self.dilation_rate, self.bias)

    def products(self, channels: int) -> int:
        return math.prod(self.kernel.shape)

    def get_config(self):
        drawn = self.connections is None or is_integer(self.connections)
        connections = self.connections if drawn else [list(channels) for channels in self.connections]
        return {**super().get_config(), "connections": connections, "seed": self.seed}


@keras.saving.register_keras_serializable("kzoo")
class TableConv1D(TableConv):
    """A convolution of signals in which a connection table says which input channels each filter reads.

    Shapes: (B, L, C) -> (B, L', filters), or channels first.
    Weights: kernel (kernel_size, connections), ordered by filter, each filter initialized as in a convolution with as
    many input channels; bias (filters,), or (L', filters) with `untied_bias`.
    Arguments: as `Conv1D`, with connections instead of groups: for each filter a list of the input channels that it
    reads; or their number, with the channels drawn once by `seed`; or None for all. A built layer holds the lists as
    `table`.

    >>> layer = TableConv1D(2, 3, connections=[[0, 1], [2]])
    >>> tuple(layer(keras.ops.ones((1, 8, 3))).shape), layer.count_params()
    ((1, 6, 2), 11)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class TableConv2D(TableConv):
    """A convolution of images in which a connection table says which input channels each filter reads.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*kernel_size, connections); bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `TableConv1D`.

    >>> layer = TableConv2D(256, 9, connections=16, seed=0)  # 16 of the 64 input maps each
    >>> tuple(layer(keras.ops.ones((1, 26, 26, 64))).shape), layer.count_params() == 256 * (16 * 81 + 1)
    ((1, 18, 18, 256), True)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class TableConv3D(TableConv):
    """A convolution of volumes or clips in which a connection table says which input channels each filter reads.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first.
    Weights and arguments: as `TableConv2D`, with three spatial axes.

    >>> tuple(TableConv3D(2, 3, connections=1)(keras.ops.ones((1, 4, 4, 4, 2))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

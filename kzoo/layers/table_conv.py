"""Convolution layers with a connection table.

Source: as `kzoo.ops.table_conv`.
"""

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.table_conv import check_table, random_table, table_conv


class TableConv(BaseConv):
    """Any rank; use `TableConv1D`, `TableConv2D` or `TableConv3D`."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        connections=None,
        *args,
        seed=None,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        who = type(self).__name__
        if connections is not None and not is_integer(connections, least=1):
            connections = check_table(who, connections)
            fits = len(connections) == self.filters
            require(fits, who, f"connections, {self.filters} lists, one a filter", connections=len(connections))
        require(seed is None or is_integer(seed, least=0), who, "seed, an integer of at least 0", seed=seed)
        self.connections = connections
        # a table drawn must come back from the config
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
            initializer=self._each_filter,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def _each_filter(self, shape, dtype=None):
        """Each filter as one of a convolution of as many input maps would start."""
        counts = {len(maps) for maps in self.table}
        drawn = {n: self.kernel_initializer((*shape[:-1], n, self.filters), dtype) for n in sorted(counts)}
        return ops.concatenate([drawn[len(maps)][..., f] for f, maps in enumerate(self.table)], -1)

    def biased(self, x):
        return table_conv(x, self.kernel, self.table, self.strides, self.padding, self.dilation_rate, self.bias)

    def get_config(self):
        whole = self.connections is None or is_integer(self.connections)
        connections = self.connections if whole else [list(maps) for maps in self.connections]
        return {**super().get_config(), "connections": connections, "seed": self.seed}


@keras.saving.register_keras_serializable("kzoo")
class TableConv1D(TableConv):
    """Convolution of signals in which each output map reads some input maps.

    Shapes: (B, L, C) -> (B, L', filters). Weights: kernel (kernel_size, links), the links of output map 0 first, each
    map's started by `kernel_initializer` as those of a convolution of as many input maps; bias (filters,), or (L',
    filters) with `untied_bias`.
    Arguments: as `Conv1D`, with `connections` in the place of groups: for each output map a list of the input maps it
    reads; or a number of them, drawn once by `seed`; or None, all. The table is then the layer's `table`.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.table_conv`.

    >>> layer = TableConv1D(2, 3, connections=[[0, 1], [2]])
    >>> tuple(layer(keras.ops.ones((1, 8, 3))).shape), layer.count_params()
    ((1, 6, 2), 11)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class TableConv2D(TableConv):
    """Convolution of images in which each output map reads some input maps, by a table, and so differs from the rest.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Weights: kernel (*kernel_size, links), bias
    (filters,), or (H', W', filters) with `untied_bias`. Arguments, errors, source: as `TableConv1D`.

    >>> layer = TableConv2D(256, 9, connections=16, seed=0)  # 16 of the 64 input maps each
    >>> tuple(layer(keras.ops.ones((1, 26, 26, 64))).shape), layer.count_params() == 256 * (16 * 81 + 1)
    ((1, 18, 18, 256), True)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class TableConv3D(TableConv):
    """Convolution of volumes and clips in which each output map reads some input maps.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first. Weights, arguments, errors, source: as
    `TableConv2D`, with three spatial axes.

    >>> tuple(TableConv3D(2, 3, connections=1)(keras.ops.ones((1, 4, 4, 4, 2))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

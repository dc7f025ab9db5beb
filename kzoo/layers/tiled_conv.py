"""Tiled convolution layers: kernels that rotate with a period across space.

Source: as `kzoo.ops.tiled_conv`.
"""

from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.tiled_conv import tiled_conv
from kzoo.ops.views import as_tuple
from kzoo.types import Padding, Size


class TiledConv(BaseConv):
    """Any rank; use `TiledConv1D`, `TiledConv2D` or `TiledConv3D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        tile: Size = 2,
        strides: Size = 1,
        padding: Padding = "valid",
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, *args, **kwargs)
        self.tile = as_tuple(type(self).__name__, "tile", tile, self.rank)

    def op(self, x):
        return tiled_conv(x, self.kernel, self.strides, self.padding, self.dilation_rate)

    def kernel_tile(self, output):
        fits = all(n is None or t <= n for t, n in zip(self.tile, output))
        require(fits, type(self).__name__, "a tile no larger than the output", tile=self.tile, output=output)
        return self.tile

    def get_config(self):
        return {**super().get_config(), "tile": self.tile}


@keras.saving.register_keras_serializable("kzoo")
class TiledConv1D(TiledConv):
    """A convolution of signals whose kernels rotate with a period: output position p uses kernel p modulo tile.

    Shapes: (B, L, C) -> (B, L', filters), or channels first.
    Weights: kernel (tile, kernel_size, C, filters), each of the kernels initialized as a convolution's; bias (tile,
    filters), or (L', filters) with `untied_bias`.
    Arguments: tile, the period in output positions; the others as `Conv1D`, without groups. A tile of 1 gives a
    convolution, a tile of the output's size a locally connected layer.
    ValueError if tile exceeds the output's size.

    >>> layer = TiledConv1D(15, 3, tile=2, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 40, 1))).shape), tuple(layer.kernel.shape)
    ((1, 19, 15), (2, 3, 1, 15))
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class TiledConv2D(TiledConv):
    """A convolution of images whose kernels rotate with a period along both axes.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*tile, *kernel_size, C, filters); bias (*tile, filters), or (H', W', filters) with `untied_bias`.
    Arguments: as `TiledConv1D`.

    >>> tuple(TiledConv2D(4, 3, tile=(2, 3))(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 7, 6, 4)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class TiledConv3D(TiledConv):
    """A convolution of volumes or clips whose kernels rotate with a period along all axes.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first.
    Weights and arguments: as `TiledConv2D`, with three spatial axes.

    >>> tuple(TiledConv3D(2, 3, tile=2, padding="same")(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 4, 4, 4, 2)
    """

    rank = 3

"""Deformable convolution: where each kernel cell looks is computed from the image.

Source: as `kzoo.ops.deformable_conv`.
"""

import math

import keras
from keras import ops

from kzoo.layers.base_conv import BaseConv
from kzoo.ops.bias_add import bias_add
from kzoo.ops.conv import conv
from kzoo.ops.deformable_conv import deformable_conv


@keras.saving.register_keras_serializable("kzoo")
class DeformableConv2D(BaseConv):
    """A convolution whose kernel cells move, and with `modulated` are weighted, as a second convolution says.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Weights: kernel (*kernel_size, C, filters);
    offset_kernel (*kernel_size, C, n) and offset_bias (n,), both from zeros, n = 2 * cells of the kernel, with
    `modulated` 3 * cells; bias (filters,), or (H', W', filters) with `untied_bias`. It starts as a convolution, with
    `modulated` as half of one.
    Arguments: as `Conv2D`, without groups; modulated: version 2, a mask from 0 to 1 for each kernel cell.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.deformable_conv`.

    >>> layer = DeformableConv2D(16, 3, padding="same")
    >>> tuple(layer(keras.ops.ones((1, 8, 8, 4))).shape), layer.count_params()
    ((1, 8, 8, 16), 1591)
    """

    rank = 2

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        modulated=True,
        *args,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        self.modulated = bool(modulated)

    def build_kernel(self, channels, output):
        super().build_kernel(channels, output)
        n = (3 if self.modulated else 2) * math.prod(self.kernel_size)
        shape = (*self.kernel_size, channels, n)
        self.offset_kernel = self.add_weight(name="offset_kernel", shape=shape, initializer="zeros")
        self.offset_bias = self.add_weight(name="offset_bias", shape=(n,), initializer="zeros")

    def op(self, x):
        geometry, cells = (self.strides, self.padding, self.dilation_rate), math.prod(self.kernel_size)
        field = bias_add(conv(x, self.offset_kernel, *geometry), self.offset_bias)
        mask = ops.sigmoid(field[..., 2 * cells :]) if self.modulated else None
        return deformable_conv(x, self.kernel, field[..., : 2 * cells], mask, *geometry)

    def get_config(self):
        return {**super().get_config(), "modulated": self.modulated}

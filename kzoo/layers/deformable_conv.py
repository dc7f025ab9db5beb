"""Deformable convolution: the sampling position of each kernel tap is computed from the input.

Source: as `kzoo.ops.deformable_conv`.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import as_bool
from kzoo.layers.base_conv import BaseConv
from kzoo.layers.field import DATA, Fields, whole
from kzoo.ops.bias_add import bias_add
from kzoo.ops.conv import conv
from kzoo.ops.deformable_conv import deformable_conv
from kzoo.types import DataFormat, Padding, Shape, Size


@keras.saving.register_keras_serializable("kzoo")
class DeformableConv2D(BaseConv):
    """A convolution whose kernel taps are shifted, and optionally weighted, by offsets computed from the input.

    A second convolution computes the offsets at each position. They start at zero, so that the layer starts as an
    ordinary convolution; with `modulated` the masks start at a half.
    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*kernel_size, C, filters); offset_kernel (*kernel_size, C, n) and offset_bias (n,), with n = 2 per
    kernel tap, or 3 with `modulated`; bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `Conv2D`, without groups; modulated, version 2 of the paper, adds a mask between 0 and 1 for each tap.

    >>> layer = DeformableConv2D(16, 3, padding="same")
    >>> tuple(layer(keras.ops.ones((1, 8, 8, 4))).shape), layer.count_params()
    ((1, 8, 8, 16), 1591)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        modulated: bool = True,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        self.modulated = as_bool(type(self).__name__, modulated=modulated)

    def build_kernel(self, channels, output):
        super().build_kernel(channels, output)
        n = (3 if self.modulated else 2) * math.prod(self.kernel_size)
        shape = (*self.kernel_size, channels, n)
        self.offset_kernel = self.add_weight(name="offset_kernel", shape=shape, initializer="zeros")
        self.offset_bias = self.add_weight(name="offset_bias", shape=(n,), initializer="zeros")

    def op(self, x):
        geometry, taps = (self.strides, self.padding, self.dilation_rate), math.prod(self.kernel_size)
        y = bias_add(conv(x, self.offset_kernel, *geometry), self.offset_bias)
        offsets, mask = y[..., : 2 * taps], ops.sigmoid(y[..., 2 * taps :]) if self.modulated else None
        return deformable_conv(x, self.kernel, offsets, mask, *geometry)

    def products(self, channels: int) -> int:
        taps = math.prod(self.kernel_size)
        return super().products(channels) + taps * channels * (3 if self.modulated else 2) * taps

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0], DATA)  # nothing bounds the offsets

    def get_config(self):
        return {**super().get_config(), "modulated": self.modulated}

"""Convolution layers: Keras's, plus every padding mode, strides with dilation, and untied biases.

Source: as `kzoo.ops.conv`.
"""

from typing import Any

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.conv import conv
from kzoo.types import DataFormat, Padding, Size


class Conv(BaseConv):
    """Any rank; use `Conv1D`, `Conv2D` or `Conv3D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        groups: int = 1,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        who = type(self).__name__
        require(is_integer(groups, least=1), who, "groups, an integer above 0", groups=groups)
        require(self.filters % groups == 0, who, "filters divisible by groups", filters=self.filters, groups=groups)
        self.groups = int(groups)

    def build(self, input_shape):
        who, channels = type(self).__name__, self.channels_last_shape(input_shape)[-1]
        fits = (channels or 0) % self.groups == 0
        require(fits, who, "input channels divisible by groups", channels=channels, groups=self.groups)
        super().build(input_shape)

    def op_with_bias(self, x):
        return conv(x, self.kernel, self.strides, self.padding, self.dilation_rate, self.bias)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable("kzoo")
class Conv1D(Conv):
    """A convolution of signals with every padding mode, strides together with dilation, groups and untied biases.

    Shapes: (B, L, C) -> (B, L', filters), or channels first.
    Weights: kernel (kernel_size, C / groups, filters); bias (filters,), or (L', filters) with `untied_bias`.
    Arguments: as `keras.layers.Conv1D`. padding is "valid", "same", "full", "circular", "reflect", "replicate", a
    number of pixels, pairs (before, after), or (mode, pixels). strides and dilation_rate may both exceed 1.

    >>> tuple(Conv1D(15, 3, strides=2)(keras.ops.ones((1, 40, 1))).shape)
    (1, 19, 15)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class Conv2D(Conv):
    """A convolution of images with every padding mode, strides together with dilation, groups and untied biases.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*kernel_size, C / groups, filters); bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `keras.layers.Conv2D`, with the padding of `Conv1D`. As in Keras the kernel is not mirrored.

    >>> tuple(Conv2D(4, 3, strides=2, padding="circular", dilation_rate=2)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 4)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class Conv3D(Conv):
    """A convolution of volumes with every padding mode, strides together with dilation, groups and untied biases.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first.
    Weights and arguments: as `Conv2D`, with three spatial axes.

    >>> tuple(Conv3D(2, 3, padding="full")(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 6, 6, 6, 2)
    """

    rank = 3

"""Convolution layers: Keras's, plus every padding, strides with dilation, and untied biases.

Source: as `kzoo.ops.conv`.
"""

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.conv import conv


class Conv(BaseConv):
    """Any rank; use `Conv1D`, `Conv2D` or `Conv3D`."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
        *args,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        who = type(self).__name__
        require(is_integer(groups, least=1), who, "groups, an integer above 0", groups=groups)
        require(self.filters % groups == 0, who, "filters divisible by groups", filters=self.filters, groups=groups)
        self.groups = int(groups)

    def build(self, input_shape):
        channels = self.last_shape(input_shape)[-1]
        expected = "input channels divisible by groups"
        require(
            (channels or 0) % self.groups == 0, type(self).__name__, expected, channels=channels, groups=self.groups
        )
        super().build(input_shape)

    def biased(self, x):
        return conv(x, self.kernel, self.strides, self.padding, self.dilation_rate, self.bias)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable("kzoo")
class Conv1D(Conv):
    """Convolution of signals.

    Shapes: (B, L, C) -> (B, L', filters). Weights: kernel (kernel_size, C / groups, filters) from
    `kernel_initializer`, bias (filters,), or (L', filters) with `untied_bias`, from `bias_initializer`.
    Arguments: as `keras.layers.Conv1D`, with `padding` any of "valid", "same", "full", "circular", "reflect",
    "replicate", cells, or (mode, cells); strides and dilation_rate may both exceed 1.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.conv`.

    >>> tuple(Conv1D(15, 3, strides=2)(keras.ops.ones((1, 40, 1))).shape)
    (1, 19, 15)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class Conv2D(Conv):
    """One kernel laid, as it is and not mirrored, on every place of an image: each output is a weighted sum.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Weights: kernel (*kernel_size, C / groups,
    filters) from `kernel_initializer`, bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments, errors, source: as `Conv1D`.

    >>> tuple(Conv2D(4, 3, strides=2, padding="circular", dilation_rate=2)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 4)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class Conv3D(Conv):
    """Convolution of volumes and clips.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first. Weights, arguments, errors, source: as
    `Conv2D`, with three spatial axes.

    >>> tuple(Conv3D(2, 3, padding="full")(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 6, 6, 6, 2)
    """

    rank = 3

"""Convolution layers with weight standardization.

Source: as `kzoo.ops.standardize_kernel`.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import as_bool, require
from kzoo.layers.conv import Conv
from kzoo.ops.conv import conv
from kzoo.ops.norm_arguments import check_epsilon
from kzoo.ops.standardize_kernel import standardize_kernel
from kzoo.types import DataFormat, Padding, Size


class StandardizedConv(Conv):
    """Any rank; use `StandardizedConv1D`, `StandardizedConv2D` or `StandardizedConv3D`."""

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
        epsilon: float = 1e-6,
        use_gain: bool = False,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, groups, *args, **kwargs)
        check_epsilon(type(self).__name__, epsilon)
        self.epsilon, self.use_gain = float(epsilon), as_bool(type(self).__name__, use_gain=use_gain)

    def build_kernel(self, channels, output):
        expected = "filters of at least 2 weights, as a standardized single weight is 0"
        size, weights = self.kernel_size, math.prod(self.kernel_size) * channels // self.groups
        require(weights > 1, type(self).__name__, expected, kernel_size=size, channels=channels, groups=self.groups)
        super().build_kernel(channels, output, autocast=False)  # the differences from the mean are taken in 32 bits
        self.gain = None
        if self.use_gain:
            self.gain = self.add_weight(name="gain", shape=(self.filters,), initializer="ones", autocast=False)

    def op_with_bias(self, x):
        kernel = ops.cast(standardize_kernel(self.kernel, self.epsilon, self.gain), x.dtype)
        return conv(x, kernel, self.strides, self.padding, self.dilation_rate, self.bias)

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon, "use_gain": self.use_gain}


@keras.saving.register_keras_serializable("kzoo")
class StandardizedConv1D(StandardizedConv):
    """A convolution of signals whose filters are standardized to mean 0 and variance 1 whenever they are used.

    Shapes: (B, L, C) -> (B, L', filters), or channels first.
    Weights: kernel (kernel_size, C / groups, filters); with `use_gain` a gain (filters,); bias (filters,), or (L',
    filters) with `untied_bias`.
    Arguments: as `StandardizedConv2D`.

    >>> tuple(StandardizedConv1D(15, 3, strides=2)(keras.ops.ones((1, 40, 1))).shape)
    (1, 19, 15)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class StandardizedConv2D(StandardizedConv):
    """A convolution of images whose filters are standardized to mean 0 and variance 1 whenever they are used.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel (*kernel_size, C / groups, filters), as it is before it is standardized; with `use_gain` a gain
    (filters,), initially 1; bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `Conv2D`; epsilon, added to the variance; use_gain, whether the filters are divided by the root of
    their number of weights and multiplied by a trained gain (Brock et al.), for networks without normalization. Without
    it, as in Qiao et al., a normalization should follow, as the outputs are larger by that root.
    Errors: ValueError for filters of a single weight, which would be 0.

    >>> layer = StandardizedConv2D(4, 3, padding="same", use_gain=True)
    >>> tuple(layer(keras.ops.ones((1, 9, 8, 3))).shape), layer.count_params()
    ((1, 9, 8, 4), 116)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class StandardizedConv3D(StandardizedConv):
    """A convolution of volumes or clips whose filters are standardized to mean 0 and variance 1 whenever they are used.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first.
    Weights: kernel (*kernel_size, C / groups, filters); with `use_gain` a gain (filters,); bias.
    Arguments: as `StandardizedConv2D`.

    >>> tuple(StandardizedConv3D(2, 3)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

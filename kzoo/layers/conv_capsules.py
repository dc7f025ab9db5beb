"""Convolutional capsules with dynamic routing.

Source: as `kzoo.ops.conv_capsules`.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_capsules import BaseCapsules
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.field import Field, Fields
from kzoo.ops.conv_capsules import conv_capsules
from kzoo.types import DataFormat, Initializer, KnownShape, Padding, Shape, Size, Tensor

SWAPPED = (0, 3, 4, 1, 2)  # the axes of one data format in the order of the other, either way


@keras.saving.register_keras_serializable("kzoo")
class ConvCapsules2D(BaseCapsules, BaseWindow):
    """A map of capsules with dynamic routing: the capsules in a window vote by a convolution that all positions share.

    Shapes: (B, H, W, inputs, d) -> (B, H', W', capsules, dimension), or channels first (B, inputs, d, H, W) -> (B,
    capsules, dimension, H', W'). `keras.layers.Reshape((H, W, capsules, dimension))` makes such a map of the output of
    `PrimaryCapsules2D`.
    Weights: kernel (*kernel_size, d, capsules, dimension), shared by the input capsules too; bias (capsules,
    dimension).
    Arguments: capsules, the number at each position; dimension of their vectors; kernel_size, strides, padding,
    data_format and dilation_rate as `Conv2D`; the others as `Capsules`.

    >>> layer = ConvCapsules2D(8, 16, 3, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 7, 7, 4, 6))).shape), layer.count_params()
    ((1, 3, 3, 8, 16), 7040)
    """

    rank = 2
    size_name = "kernel_size"

    def __init__(
        self,
        capsules: int,
        dimension: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        iterations: int = 3,
        use_bias: bool = True,
        kernel_initializer: Initializer = None,
        bias_initializer: Initializer = "zeros",
        leaky: bool = False,
        **kwargs: Any,
    ):
        routing = (capsules, dimension, iterations, use_bias, kernel_initializer, bias_initializer, leaky)
        super().__init__(*routing, **kwargs)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        depth = self.channels_last_shape(input_shape)[-1]
        expected = "input capsules of known dimension"
        require(depth is not None, type(self).__name__, expected, input_shape=tuple(input_shape))
        self.build_weights((*self.kernel_size, depth, self.capsules, self.dimension))

    def call(self, inputs: Tensor) -> Tensor:
        y = conv_capsules(
            self.swapped(inputs),
            self.kernel,
            self.strides,
            self.padding,
            self.dilation_rate,
            self.iterations,
            self.bias,
            self.leaky,
        )
        return self.swapped(y)

    def swapped(self, x):
        """Returns x in channels-last order, or such an x in the layer's data format."""
        return x if self.data_format == "channels_last" else ops.transpose(x, SWAPPED)

    def channels_last_shape(self, input_shape):
        """Returns the input's shape as (batch, height, width, capsules, dimension), after checking it."""
        expected = "an input of rank 5: batch, 2 spatial axes, capsules and their dimension"
        who, shape = type(self).__name__, tuple(input_shape)
        require(len(shape) == 5, who, expected, shape=shape)
        last = shape if self.data_format == "channels_last" else tuple(shape[i] for i in SWAPPED)
        require(0 not in last[3:], who, "an input of at least 1 capsule of dimension 1", shape=shape)
        return last

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *spatial = self.channels_last_shape(input_shape)[:3]
        self.window.check(type(self).__name__, spatial)
        shape = (batch, *self.window.output(spatial), self.capsules, self.dimension)
        return shape if self.data_format == "channels_last" else tuple(shape[i] for i in SWAPPED)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        """Returns the fields along height, width and the input's capsules, all of which are seen."""
        height, width = super().receptive_field(input_shapes)
        return height, width, Field(None)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of votes, weighted sums and, except in the last iteration, agreements."""
        *_, inputs, depth = self.channels_last_shape(input_shapes[0])
        votes = math.prod(output_shapes[0][1:]) * inputs
        return 2 * votes * (math.prod(self.kernel_size) * depth + 2 * self.iterations - 1)

"""Spatially separable convolution layers: kernels that are products of one-dimensional kernels.

Source: as `kzoo.ops.spatially_separable_conv`.
"""

import math
from typing import Any

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.spatially_separable_conv import spatially_separable_conv
from kzoo.types import DataFormat, KnownShape, Padding, Size


class SpatiallySeparableConv(BaseConv):
    """Any rank; use `SpatiallySeparableConv2D` or `SpatiallySeparableConv3D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        terms: int = 1,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        require(is_integer(terms, least=1), type(self).__name__, "terms, an integer above 0", terms=terms)
        self.terms = int(terms)

    def op(self, x):
        return spatially_separable_conv(x, self.kernels, self.strides, self.padding, self.dilation_rate)

    def build_kernel(self, channels, output):
        size, *others = self.kernel_size

        def first(shape, dtype=None):  # the fans are those of a convolution along the first axis
            return keras.ops.reshape(self.kernel_initializer((size, channels, shape[2] * shape[3]), dtype), shape)

        def other(shape, dtype=None):  # each response is a sum of taps * terms products; its variance is preserved
            scale = self.terms ** (1 - 1 / len(others))
            initializer = keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal")
            return keras.ops.moveaxis(initializer((shape[0], shape[2], shape[1]), dtype), 1, 2)

        shapes = [(size, channels, self.filters, self.terms), *((k, self.filters, self.terms) for k in others)]
        self.kernels = [
            self.add_weight(
                name=f"kernel_{axis}",
                shape=shape,
                initializer=first if axis == 0 else other,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            for axis, shape in enumerate(shapes)
        ]

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns two operations for each product along the first axis and all channels, then along each other axis."""
        shape, output = self.channels_last_shape(input_shapes[0]), self.channels_last_shape(output_shapes[0])[1:-1]
        pairs = zip(shape[1:-1], self.window.pairs(shape[1:-1]))
        sizes, products = [n + sum(pair) for n, pair in pairs], shape[-1]
        total = 0
        for axis, size in enumerate(self.kernel_size):
            sizes[axis] = output[axis]
            total += 2 * math.prod(sizes) * size * products * self.filters * self.terms
            products = 1
        return total

    def get_config(self):
        return {**super().get_config(), "terms": self.terms}


@keras.saving.register_keras_serializable("kzoo")
class SpatiallySeparableConv2D(SpatiallySeparableConv):
    """A convolution of images whose kernels are sums of `terms` outer products of a column and a row.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first.
    Weights: kernel_0 (height, C, filters, terms) from `kernel_initializer`; kernel_1 (width, filters, terms), initially
    normal with variance 1 / (width * terms), which preserves the variance of the responses; bias (filters,), or (H',
    W', filters) with `untied_bias`.
    Arguments: as `Conv2D`, with terms instead of groups; terms=width can express every convolution.

    >>> layer = SpatiallySeparableConv2D(16, 7)
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape), layer.count_params(), 7 * 7 * 3 * 16 + 16
    ((1, 26, 26, 16), 464, 2368)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class SpatiallySeparableConv3D(SpatiallySeparableConv):
    """A convolution of volumes or clips whose kernels are sums of `terms` outer products of three vectors.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first.
    Weights: kernel_0 (depth, C, filters, terms), kernel_1 (height, filters, terms), kernel_2 (width, filters, terms),
    bias.
    Arguments: as `SpatiallySeparableConv2D`.

    >>> tuple(SpatiallySeparableConv3D(2, 3, terms=2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

"""Spatially separable convolution layers: kernels made of one-dimensional ones.

Source: as `kzoo.ops.spatially_separable_conv`.
"""

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import BaseConv
from kzoo.ops.spatially_separable_conv import spatially_separable_conv


class SpatiallySeparableConv(BaseConv):
    """Any rank; use `SpatiallySeparableConv2D` or `SpatiallySeparableConv3D`."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        terms=1,
        *args,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, *args, **kwargs)
        require(is_integer(terms, least=1), type(self).__name__, "terms, an integer above 0", terms=terms)
        self.terms = int(terms)

    def op(self, x):
        return spatially_separable_conv(x, self.kernels, self.strides, self.padding, self.dilation_rate)

    def build_kernel(self, channels, output):
        size, *others = self.kernel_size

        def first(shape, dtype=None):  # with the fans of a convolution along the first axis
            return keras.ops.reshape(self.kernel_initializer((size, channels, shape[2] * shape[3]), dtype), shape)

        def other(shape, dtype=None):  # together sums of sizes * terms products, which this leaves as spread as before
            scale = self.terms ** (1 - 1 / len(others))
            draw = keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal")
            return keras.ops.moveaxis(draw((shape[0], shape[2], shape[1]), dtype), 1, 2)

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

    def get_config(self):
        return {**super().get_config(), "terms": self.terms}


@keras.saving.register_keras_serializable("kzoo")
class SpatiallySeparableConv2D(SpatiallySeparableConv):
    """Convolution of images whose kernels are sums of `terms` outer products of a column and a row.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Weights: kernel_0 (height, C, filters, terms) from
    `kernel_initializer`, kernel_1 (width, filters, terms), normal with variance 1 / (width * terms), so that it keeps
    the spread; bias (filters,), or (H', W', filters) with `untied_bias`.
    Arguments: as `Conv2D`, with `terms` in the place of groups; terms=width can express every convolution.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.spatially_separable_conv`.

    >>> layer = SpatiallySeparableConv2D(16, 7)
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape), layer.count_params(), 7 * 7 * 3 * 16 + 16
    ((1, 26, 26, 16), 464, 2368)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class SpatiallySeparableConv3D(SpatiallySeparableConv):
    """Convolution of volumes and clips whose kernels are sums of `terms` outer products of three vectors.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first. Weights: kernel_0 (depth, C, filters,
    terms), kernel_1 (height, filters, terms), kernel_2 (width, filters, terms), bias. Arguments, errors, source: as
    `SpatiallySeparableConv2D`.

    >>> tuple(SpatiallySeparableConv3D(2, 3, terms=2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

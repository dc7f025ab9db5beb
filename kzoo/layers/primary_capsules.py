"""Primary capsules: a convolution whose channels are grouped into vectors.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 4.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.conv import Conv2D
from kzoo.layers.data_format import shape_to_channels_last, to_channels_last
from kzoo.layers.field import UPPER_BOUND, Fields, whole
from kzoo.ops.squash import squash
from kzoo.types import DataFormat, Initializer, KnownShape, Padding, Shape, Size, Tensor

InnerConv = type("PrimaryCapsules2D", (Conv2D,), {})  # a Conv2D whose errors name PrimaryCapsules2D


@keras.saving.register_keras_serializable("kzoo")
class PrimaryCapsules2D(BaseLayer):
    """A convolution whose channels are grouped into capsule vectors, squashed to lengths below 1.

    Shapes: (B, H, W, C), or channels first -> (B, H' * W' * capsules, dimension): row by row, with the capsules of a
    position next to each other.
    Weights: kernel (*kernel_size, C, capsules * dimension), bias (capsules * dimension,).
    Arguments: capsules, the number at each position; dimension of their vectors; the others as `Conv2D`.

    >>> layer = PrimaryCapsules2D(32, 8, 9, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 20, 20, 256))).shape), layer.count_params()
    ((1, 1152, 8), 5308672)
    """

    def __init__(
        self,
        capsules: int,
        dimension: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        for name, value in (("capsules", capsules), ("dimension", dimension)):
            require(is_integer(value, least=1), who, f"{name}, an integer above 0", **{name: value})
        self.capsules, self.dimension = int(capsules), int(dimension)
        self.conv = InnerConv(
            self.capsules * self.dimension,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            dtype=self.dtype_policy,
            name=self.name,
        )

    def build(self, input_shape):
        self.conv.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        y = to_channels_last(self.conv(inputs), self.conv.data_format)
        count = None if None in y.shape[1:3] else y.shape[1] * y.shape[2] * self.capsules
        return squash(ops.reshape(y, (ops.shape(y)[0], -1 if count is None else count, self.dimension)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *spatial, _ = shape_to_channels_last(
            type(self).__name__, self.conv.compute_output_shape(input_shape), 2, self.conv.data_format
        )
        count = None if None in spatial else spatial[0] * spatial[1] * self.capsules
        return batch, count, self.dimension

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0], UPPER_BOUND)  # capsules are not ordered along the input's axes

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return self.conv.flops(input_shapes, [self.conv.compute_output_shape(input_shapes[0])])

    def get_config(self):
        inner = self.conv.get_config()
        names = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
        config = {name: inner[name] for name in (*names, "kernel_initializer", "bias_initializer")}
        return {**super().get_config(), "capsules": self.capsules, "dimension": self.dimension, **config}

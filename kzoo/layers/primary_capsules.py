"""Primary capsules: a convolution whose maps are read in groups, as vectors.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 4.
"""

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.conv import Conv2D
from kzoo.layers.data_format import shape_to_last, to_last
from kzoo.ops.squash import squash

Maps = type("PrimaryCapsules2D", (Conv2D,), {})  # a Conv2D whose refusals speak of this layer


@keras.saving.register_keras_serializable("kzoo")
class PrimaryCapsules2D(BaseLayer):
    """`capsules` kinds of vectors of `dimension` numbers at each place, squashed to lengths below 1.

    Shapes: (B, H, W, C), or channels first -> (B, H' * W' * capsules, dimension): row after row, the kinds of a place
    together. Weights: kernel (*kernel_size, C, capsules * dimension), bias (capsules * dimension,).
    Arguments: capsules, dimension; the others as `Conv2D`.
    Errors: ValueError that names the argument, what is expected and what came. Source: this file's head.

    >>> layer = PrimaryCapsules2D(32, 8, 9, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 20, 20, 256))).shape), layer.count_params()
    ((1, 1152, 8), 5308672)
    """

    def __init__(
        self,
        capsules,
        dimension,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        for name, value in (("capsules", capsules), ("dimension", dimension)):
            require(is_integer(value, least=1), who, f"{name}, an integer above 0", **{name: value})
        self.capsules, self.dimension = int(capsules), int(dimension)
        self.conv = Maps(
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

    def call(self, inputs):
        y = to_last(self.conv(inputs), self.conv.data_format)
        count = None if None in y.shape[1:3] else y.shape[1] * y.shape[2] * self.capsules
        return squash(ops.reshape(y, (ops.shape(y)[0], -1 if count is None else count, self.dimension)))

    def compute_output_shape(self, input_shape):
        batch, *spatial, _ = shape_to_last(
            type(self).__name__, self.conv.compute_output_shape(input_shape), 2, self.conv.data_format
        )
        count = None if None in spatial else spatial[0] * spatial[1] * self.capsules
        return batch, count, self.dimension

    def get_config(self):
        inner = self.conv.get_config()
        names = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
        config = {name: inner[name] for name in (*names, "kernel_initializer", "bias_initializer")}
        return {**super().get_config(), "capsules": self.capsules, "dimension": self.dimension, **config}

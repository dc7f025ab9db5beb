"""Greyscale morphology layers with a trained structuring kernel, and dilation.

Source: as `kzoo.ops.dilation`.
"""

import keras

from kzoo.checks import require
from kzoo.layers.base_conv import serialized
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_last, to_last
from kzoo.ops.dilation import dilation


class Morphology(BaseWindow):
    """What dilation and erosion share; a subclass gives its op."""

    rank = 2
    size_name = "kernel_size"

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        kernel_initializer="zeros",
        kernel_regularizer=None,
        kernel_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def op(self, x, kernel, *geometry):
        """The op on channels-last tensors."""
        raise NotImplementedError

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = self.last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        y = self.op(x, self.kernel, self.strides, self.padding, self.dilation_rate)
        return from_last(y, self.data_format)

    def get_config(self):
        return {**super().get_config(), **serialized(self, "kernel")}


@keras.saving.register_keras_serializable("kzoo")
class Dilation2D(Morphology):
    """Greyscale dilation of each channel: bright places grow by the kernel's mirrored shape.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Weights: kernel (*kernel_size, C), by default zeros,
    which give the maximum of each window.
    Arguments: kernel_size, strides, padding (any of `Conv2D`'s; cells made of zeros take no part), data_format,
    dilation_rate, kernel_initializer, kernel_regularizer, kernel_constraint.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.dilation`.

    >>> tuple(Dilation2D(3, padding="same")(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 9, 8, 3)
    """

    def op(self, x, kernel, *geometry):
        return dilation(x, kernel, *geometry)

"""Greyscale morphology with a trained structuring element: the base class, and dilation.

Source: as `kzoo.ops.dilation`.
"""

import math
from typing import Any

import keras

from kzoo.checks import require
from kzoo.layers.base_conv import weight_config
from kzoo.layers.base_window import BaseWindow
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.layers.identifiers import set_identified
from kzoo.ops.dilation import dilation
from kzoo.types import Constraint, DataFormat, Initializer, KnownShape, Padding, Regularizer, Size, Tensor


class BaseMorphology(BaseWindow):
    """Arguments and weights shared by dilation and erosion. Subclasses define the op."""

    rank = 2
    size_name = "kernel_size"

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        kernel_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.set_window(kernel_size, strides, padding, dilation_rate, data_format)
        set_identified(
            self,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def op(self, x, kernel, *geometry):
        """Returns channels-last x, filtered."""
        raise NotImplementedError

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = self.channels_last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        y = self.op(x, self.kernel, self.strides, self.padding, self.dilation_rate)
        return from_channels_last(y, self.data_format)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns an addition and a comparison for each tap of the window at each value of the output."""
        return 2 * math.prod(output_shapes[0][1:]) * math.prod(self.kernel_size)

    def get_config(self):
        return {**super().get_config(), **weight_config(self, "kernel")}


@keras.saving.register_keras_serializable("kzoo")
class Dilation2D(BaseMorphology):
    """Greyscale dilation: the maximum over each window of the input plus a trained kernel, for each channel.

    Bright regions grow by the shape of the mirrored kernel.
    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Weights: kernel (*kernel_size, C), by default zeros, with which the output is the maximum of each window.
    Arguments: kernel_size; strides; padding, any of `Conv2D`'s, where pixels padded with zeros are ignored;
    data_format; dilation_rate; kernel_initializer; kernel_regularizer; kernel_constraint.

    >>> tuple(Dilation2D(3, padding="same")(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 9, 8, 3)
    """

    def op(self, x, kernel, *geometry):
        return dilation(x, kernel, *geometry)

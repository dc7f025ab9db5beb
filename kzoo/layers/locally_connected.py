"""Locally connected layers: a kernel for each output position.

The arguments are those of Keras 2's `LocallyConnected1D` and `2D`.

Source: as `kzoo.ops.locally_connected`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kzoo.checks import require
from kzoo.layers.base_conv import BaseConv
from kzoo.layers.keras_2_weights import bias_from_keras_2, check_same, kernel_from_keras_2
from kzoo.ops.locally_connected import locally_connected
from kzoo.types import Activation, Constraint, DataFormat, Initializer, Padding, Regularizer, Size, Tensor


class LocallyConnected(BaseConv):
    """Any rank; use `LocallyConnected1D`, `LocallyConnected2D` or `LocallyConnected3D`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        implementation: int = 1,  # up to here in the order of Keras 2
        dilation_rate: Size = 1,
        untied_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            untied_bias,
            **kwargs,
        )
        known = implementation in (1, 2, 3)
        require(known, type(self).__name__, "implementation, 1, 2 or 3", implementation=implementation)
        self.implementation = implementation

    def build(self, input_shape):
        super().build(input_shape)
        self._input_size = self.channels_last_shape(input_shape)[1:-1]

    def op(self, x):
        return locally_connected(x, self.kernel, self.strides, self.padding, self.dilation_rate)

    def kernel_tile(self, output):
        expected = "known spatial sizes, as each position has weights"
        require(None not in output, type(self).__name__, expected, output=output)
        return output

    def set_weights(self, weights: Sequence[Tensor]) -> None:
        """Sets kernel and bias, after converting weights of Keras 2's layers of this name."""
        weights = [np.asarray(w) for w in weights]
        if self.built and weights and weights[0].shape != tuple(self.kernel.shape):
            if self.padding == "same":
                check_same(type(self).__name__, self._input_size, self.window)
            shape = tuple(self.kernel.shape)
            weights[0] = kernel_from_keras_2(
                type(self).__name__, weights[0], self._input_size, shape, self.window, self.data_format
            )
            weights[1:] = [bias_from_keras_2(bias, self.data_format) for bias in weights[1:]]
        super().set_weights(weights)

    def get_config(self):
        return {**super().get_config(), "implementation": self.implementation}


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected1D(LocallyConnected):
    """A convolution of signals without weight sharing: each output position has its own kernel.

    Shapes: (B, L, C) -> (B, L', filters), or channels first; L must be known.
    Weights: kernel (L', kernel_size, C, filters), each position's kernel initialized as a convolution's; bias (L',
    filters), or (filters,) with `untied_bias=False`.
    Arguments: as Keras 2's layer of this name, in its order, then dilation_rate and untied_bias; padding as `Conv1D`.
    implementation is accepted and ignored: the only one here is faster than Keras 2's three.
    `set_weights` also takes the weights of Keras 2's three implementations. Where Keras 2's "same" padded differently,
    the error names the `padding` to use. A kernel that already has this layer's shape is not converted.

    >>> layer = LocallyConnected1D(15, 3, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 40, 1))).shape), layer.count_params()
    ((1, 19, 15), 1140)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected2D(LocallyConnected):
    """A convolution of images without weight sharing: each output position has its own kernel.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first; H and W must be known.
    Weights: kernel (H', W', *kernel_size, C, filters); bias (H', W', filters), or (filters,) with `untied_bias=False`.
    Arguments: as `LocallyConnected1D`.

    >>> tuple(LocallyConnected2D(4, 3)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 7, 6, 4)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected3D(LocallyConnected):
    """A convolution of volumes or clips without weight sharing: each output position has its own kernel.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first; D, H and W must be known.
    Weights and arguments: as `LocallyConnected2D`, with three spatial axes.

    >>> tuple(LocallyConnected3D(2, 3)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

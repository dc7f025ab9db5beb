"""Locally connected layers: a kernel for every output position.

Source: as `kzoo.ops.locally_connected`; the arguments are those of Keras 2's `LocallyConnected1D` and `2D`.
"""

import keras
import numpy as np

from kzoo.checks import require
from kzoo.layers.base_conv import BaseConv
from kzoo.layers.keras_2_weights import bias_from_keras_2, check_same, kernel_from_keras_2
from kzoo.ops.locally_connected import locally_connected


class LocallyConnected(BaseConv):
    """Any rank; use `LocallyConnected1D`, `LocallyConnected2D` or `LocallyConnected3D`."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        implementation=1,  # as far as here, Keras 2's order
        dilation_rate=1,
        untied_bias=True,
        **kwargs,
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
        require(
            implementation in (1, 2, 3), type(self).__name__, "implementation, 1, 2 or 3", implementation=implementation
        )
        self.implementation = implementation

    def build(self, input_shape):
        super().build(input_shape)
        self._input_size = self.last_shape(input_shape)[1:-1]

    def op(self, x):
        return locally_connected(x, self.kernel, self.strides, self.padding, self.dilation_rate)

    def kernel_tile(self, output):
        require(
            None not in output, type(self).__name__, "known spatial sizes: each position has weights", output=output
        )
        return output

    def set_weights(self, weights):
        """Set kernel and bias; a kernel in the form of any implementation of Keras 2's layers is converted."""
        weights = [np.asarray(w) for w in weights]
        if self.built and weights and weights[0].shape != tuple(self.kernel.shape):
            if self.padding == "same":
                check_same(type(self).__name__, self._input_size, self.window)
            weights[0] = kernel_from_keras_2(
                type(self).__name__,
                weights[0],
                self._input_size,
                tuple(self.kernel.shape),
                self.window,
                self.data_format,
            )
            weights[1:] = [bias_from_keras_2(bias, self.data_format) for bias in weights[1:]]
        super().set_weights(weights)

    def get_config(self):
        return {**super().get_config(), "implementation": self.implementation}


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected1D(LocallyConnected):
    """Locally connected layer for signals.

    Shapes: (B, L, C) -> (B, L', filters). Weights: kernel (L', kernel_size, C, filters), each position's started as
    one alone would be; bias (L', filters), or (filters,) with `untied_bias=False`.
    Arguments: as Keras 2's layer of this name, in its order; further every `padding` of `Conv1D`, `dilation_rate`
    and `untied_bias`. `implementation` is accepted and changes nothing: there is one, faster than all three.
    `set_weights` takes the weights of all three; where Keras 2's "same" padded otherwise, it says which `padding` does.
    A kernel that already has this layer's shape is taken as it is.
    Input sizes must be known.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.locally_connected`.

    >>> layer = LocallyConnected1D(15, 3, strides=2)
    >>> tuple(layer(keras.ops.ones((1, 40, 1))).shape), layer.count_params()
    ((1, 19, 15), 1140)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected2D(LocallyConnected):
    """A convolution of images without shared weights: each place has a kernel of its own.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Weights: kernel (H', W', *kernel_size, C,
    filters), bias (H', W', filters), or (filters,) with `untied_bias=False`. Arguments, errors, source: as
    `LocallyConnected1D`.

    >>> tuple(LocallyConnected2D(4, 3)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 7, 6, 4)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class LocallyConnected3D(LocallyConnected):
    """Locally connected layer for volumes and clips.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', filters), or channels first. Weights, arguments, errors, source: as
    `LocallyConnected2D`, with three spatial axes.

    >>> tuple(LocallyConnected3D(2, 3)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 2)
    """

    rank = 3

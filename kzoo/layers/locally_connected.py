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
from kzoo.layers.keras_2_weights import bias_from_keras_2, check_same, kernel_from_keras_2, same_of_keras_2
from kzoo.layers.legacy_h5 import convert_in_load_weights
from kzoo.ops.locally_connected import locally_connected
from kzoo.types import Activation, Constraint, DataFormat, Initializer, Padding, Regularizer, Size, Tensor

convert_in_load_weights()


class LocallyConnected(BaseConv):
    """Any rank; use `LocallyConnected1D`, `LocallyConnected2D` or `LocallyConnected3D`."""

    reads_keras_2 = False  # whether a kernel of this layer's shape is one of Keras 2's implementation 2 too

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
        super().set_weights(self.own_weights(weights) if self.built else weights)

    def load_own_variables(self, store: Any) -> None:
        """Reads kernel and bias from a file that Keras opened, after converting weights of Keras 2."""
        arrays = self.own_weights([store[key] for key in sorted(store.keys(), key=int)])
        super().load_own_variables({str(number): array for number, array in enumerate(arrays)})

    def own_weights(self, weights: Sequence[Tensor]) -> list[np.ndarray]:
        """Returns kernel and bias in this layer's layout: as they are, or converted from a layout of Keras 2."""
        arrays = [np.asarray(weight) for weight in weights]
        shape = tuple(self.kernel.shape)
        if not arrays or (arrays[0].shape == shape and not self.reads_keras_2):
            return arrays
        who = type(self).__name__
        if self.padding == "same":
            check_same(who, self._input_size, self.window)
        kernel = kernel_from_keras_2(who, arrays[0], self._input_size, shape, self.window, self.data_format)
        return [kernel, *(bias_from_keras_2(bias, self.data_format) for bias in arrays[1:])]

    def pad_as_keras_2(self) -> None:
        """Replaces padding "same" by Keras 2's, whose windows start elsewhere for some strides and even kernels."""
        if self.padding == "same":
            padding = same_of_keras_2(self._input_size, self.window)
            self.set_window(self.kernel_size, self.strides, padding, self.dilation_rate, self.data_format)

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
    `set_weights` and Keras's `load_weights` also take the weights of Keras 2's three implementations.
    A kernel that already has this layer's shape is not converted. Where Keras 2's "same" padded differently, the error
    names the `padding` to use. `kzoo.models.load_keras_2` loads whole models, and `load_keras_2_weights` by name.

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

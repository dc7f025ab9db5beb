"""LeNet-5's output layer: radial basis function units.

Source: as `kzoo.ops.rbf`.
"""

import math
from typing import Any

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import weight_config
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.identifiers import set_identified
from kzoo.ops.rbf import rbf
from kzoo.types import Activation, Constraint, Initializer, KnownShape, Regularizer, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class RBF(Pointwise, BaseLayer):
    """Radial basis function units: an activation of the negative squared distance between the input and a prototype.

    Shapes: (B, ..., C) -> (B, ..., units).
    Weights: kernel (C, units), whose columns are the prototypes; `trainable=False` keeps them fixed.
    Arguments: units; activation, "exponential" for Gaussian units; kernel_initializer, by default normal with a
    standard deviation of 1; kernel_regularizer; kernel_constraint.

    >>> layer = RBF(10, kernel_initializer="zeros")
    >>> tuple(layer(keras.ops.ones((1, 84))).shape), float(layer(keras.ops.ones((1, 84)))[0, 0])
    ((1, 10), -84.0)
    """

    def __init__(
        self,
        units: int,
        activation: Activation = None,
        kernel_initializer: Initializer = None,
        kernel_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        require(is_integer(units, least=1), type(self).__name__, "units, an integer above 0", units=units)
        self.units = int(units)
        default = keras.initializers.RandomNormal(stddev=1.0)
        set_identified(
            self,
            activation=activation,
            kernel_initializer=default if kernel_initializer is None else kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        channels = input_shape[-1]
        known = "a known number of channels"
        require(channels is not None, type(self).__name__, known, input_shape=tuple(input_shape))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: channels})

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(rbf(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        good = len(input_shape) > 1
        require(good, type(self).__name__, "an input (batch, ..., channels)", shape=tuple(input_shape))
        return (*input_shape[:-1], self.units)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 2 * math.prod(input_shapes[0][1:]) * self.units

    def get_config(self):
        config = {"units": self.units, "activation": keras.activations.serialize(self.activation)}
        return {**super().get_config(), **config, **weight_config(self, "kernel")}

"""LeNet-5's output layer: units that say how near an input is to their prototype.

Source: as `kzoo.ops.rbf`.
"""

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_conv import serialized
from kzoo.layers.base_layer import BaseLayer
from kzoo.ops.rbf import rbf


@keras.saving.register_keras_serializable("kzoo")
class RBF(BaseLayer):
    """activation(-squared distance) of an input from the prototype of each unit: the nearest has the largest output.

    Shapes: (B, ..., C) -> (B, ..., units). Weights: kernel (C, units), a prototype a column, fixed with
    `trainable=False`. Arguments: units; activation, "exponential" for Gaussian functions; kernel_initializer, by
    default normal of deviation 1; kernel_regularizer, kernel_constraint.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.rbf`.

    >>> layer = RBF(10, kernel_initializer="zeros")
    >>> tuple(layer(keras.ops.ones((1, 84))).shape), float(layer(keras.ops.ones((1, 84)))[0, 0])
    ((1, 10), -84.0)
    """

    def __init__(
        self,
        units,
        activation=None,
        kernel_initializer=None,
        kernel_regularizer=None,
        kernel_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        require(is_integer(units, least=1), type(self).__name__, "units, an integer above 0", units=units)
        self.units = int(units)
        self.activation = keras.activations.get(activation)
        default = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel_initializer = keras.initializers.get(kernel_initializer or default)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

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

    def call(self, inputs):
        return self.activation(rbf(inputs, self.kernel))

    def compute_output_shape(self, input_shape):
        good = len(input_shape) > 1
        require(good, type(self).__name__, "an input (batch, ..., channels)", shape=tuple(input_shape))
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = {"units": self.units, "activation": keras.activations.serialize(self.activation)}
        return {**super().get_config(), **config, **serialized(self, "kernel")}

"""LeNet's subsampling layer: sums of windows with a trained coefficient and bias per channel.

Source: as `kzoo.ops.subsample`.
"""

import math
from typing import Any

import keras

from kzoo.checks import as_bool, require
from kzoo.layers.base_conv import weight_config
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.identifiers import set_identified
from kzoo.ops.bias_add import bias_add
from kzoo.ops.subsample import subsample
from kzoo.types import Activation, Constraint, DataFormat, Initializer, Padding, Regularizer, Size


@keras.saving.register_keras_serializable("kzoo")
class Subsampling2D(BasePooling):
    """LeNet's subsampling: activation(coefficient * sum of the window + bias), with trained weights per channel.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Weights: coefficient (C,), initially 1 / window size, which makes the layer an average; bias (C,).
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv2D`'s; data_format; dilation_rate;
    activation; use_bias; initializer, regularizer and constraint of both weights; ceil_mode, as
    `MaxPoolingWithArgmax1D`.

    >>> from kzoo.ops import scaled_tanh
    >>> layer = Subsampling2D(2, activation=scaled_tanh)  # LeNet-5's S2: 12 weights
    >>> tuple(layer(keras.ops.ones((1, 28, 28, 6))).shape), layer.count_params()
    ((1, 14, 14, 6), 12)
    """

    rank = 2

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        activation: Activation = None,
        use_bias: bool = True,
        coefficient_initializer: Initializer = None,
        bias_initializer: Initializer = "zeros",
        coefficient_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        coefficient_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        average = keras.initializers.Constant(1 / math.prod(self.pool_size))
        self.use_bias = as_bool(type(self).__name__, use_bias=use_bias)
        set_identified(
            self,
            activation=activation,
            coefficient_initializer=average if coefficient_initializer is None else coefficient_initializer,
            coefficient_regularizer=coefficient_regularizer,
            coefficient_constraint=coefficient_constraint,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape):
        super().build(input_shape)
        channels = self.channels_last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        self.coefficient = self.add_weight(
            name="coefficient",
            shape=(channels,),
            initializer=self.coefficient_initializer,
            regularizer=self.coefficient_regularizer,
            constraint=self.coefficient_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(channels,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def op(self, x):
        y = subsample(x, self.coefficient, **self.geometry)
        return self.activation(y if self.bias is None else bias_add(y, self.bias))

    def get_config(self):
        config = {"activation": keras.activations.serialize(self.activation), "use_bias": self.use_bias}
        return {**super().get_config(), **config, **weight_config(self, "coefficient"), **weight_config(self, "bias")}

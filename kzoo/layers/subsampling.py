"""LeNet's subsampling layer: sums of windows, a trained coefficient and bias a channel, an activation.

Source: as `kzoo.ops.subsample`.
"""

import math

import keras

from kzoo.checks import require
from kzoo.layers.base_conv import serialized
from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.bias_add import bias_add
from kzoo.ops.subsample import subsample


@keras.saving.register_keras_serializable("kzoo")
class Subsampling2D(BasePooling):
    """activation(coefficient * (sum of the window) + bias), a coefficient and a bias for each channel.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Weights: coefficient (C,), by default 1 / cells of the
    window, so that it starts as an average; bias (C,).
    Arguments: pool_size, strides (default: pool_size), padding (any of `Conv2D`'s), data_format, dilation_rate,
    activation, use_bias, and initialiser, regulariser and constraint of both weights.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.subsample`.

    >>> from kzoo.ops import scaled_tanh
    >>> layer = Subsampling2D(2, activation=scaled_tanh)  # LeNet-5's S2: 12 weights
    >>> tuple(layer(keras.ops.ones((1, 28, 28, 6))).shape), layer.count_params()
    ((1, 14, 14, 6), 12)
    """

    rank = 2

    def __init__(
        self,
        pool_size=2,
        strides=None,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        coefficient_initializer=None,
        bias_initializer="zeros",
        coefficient_regularizer=None,
        bias_regularizer=None,
        coefficient_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        average = keras.initializers.Constant(1 / math.prod(self.pool_size))
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.coefficient_initializer = keras.initializers.get(coefficient_initializer or average)
        self.coefficient_regularizer = keras.regularizers.get(coefficient_regularizer)
        self.coefficient_constraint = keras.constraints.get(coefficient_constraint)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def build(self, input_shape):
        super().build(input_shape)
        channels = self.last_shape(input_shape)[-1]
        require(channels is not None, type(self).__name__, "a known number of channels", input_shape=input_shape)
        for part in ("coefficient", "bias"):
            kinds = ("initializer", "regularizer", "constraint")
            how = {kind: getattr(self, f"{part}_{kind}") for kind in kinds}
            wanted = part == "coefficient" or self.use_bias
            setattr(self, part, self.add_weight(name=part, shape=(channels,), **how) if wanted else None)

    def op(self, x):
        y = subsample(x, self.coefficient, *self.geometry)
        return self.activation(y if self.bias is None else bias_add(y, self.bias))

    def get_config(self):
        config = {"activation": keras.activations.serialize(self.activation), "use_bias": self.use_bias}
        return {**super().get_config(), **config, **serialized(self, "coefficient"), **serialized(self, "bias")}

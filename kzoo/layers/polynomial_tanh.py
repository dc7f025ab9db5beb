"""A trained activation: the hyperbolic tangent of a polynomial.

Source: as `kzoo.ops.polynomial_tanh`.
"""

from typing import Any

import keras

from kzoo.checks import as_bool, is_integer, require
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.data_format import as_data_format, from_channels_last, known_channels, to_channels_last
from kzoo.ops.polynomial_tanh import polynomial_tanh
from kzoo.types import DataFormat, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class PolynomialTanh(Pointwise, BaseLayer):
    """A trained activation a * tanh(b0 + b1 x + ... + bn x^n), separate for each channel or shared by all.

    Shapes: (B, ..., C) -> (B, ..., C), or channels first; any number of axes.
    Weights: a (C,), initially ones; b (degree + 1, C), initially 1 for b1 and 0 for the others, which makes the layer
    tanh. With `shared` their shapes are () and (degree + 1,).
    Arguments: degree, at least 1; shared; data_format.

    >>> layer = PolynomialTanh(3)
    >>> tuple(layer(keras.ops.ones((1, 9, 8, 2))).shape), layer.count_params()
    ((1, 9, 8, 2), 10)
    """

    def __init__(self, degree: int = 3, shared: bool = False, data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(degree, least=1), who, "degree, an integer above 0", degree=degree)
        self.degree, self.shared = int(degree), as_bool(who, shared=shared)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        channels = known_channels(type(self).__name__, input_shape, self.data_format)
        shape = () if self.shared else (channels,)

        def identity(shape, dtype=None):
            linear = keras.ops.reshape(keras.ops.arange(shape[0]) == 1, (-1, *(1,) * (len(shape) - 1)))
            return keras.ops.broadcast_to(keras.ops.cast(linear, dtype), shape)

        self.a = self.add_weight(name="a", shape=shape, initializer="ones")
        self.b = self.add_weight(name="b", shape=(self.degree + 1, *shape), initializer=identity)

    def call(self, inputs: Tensor) -> Tensor:
        return from_channels_last(
            polynomial_tanh(to_channels_last(inputs, self.data_format), self.a, self.b), self.data_format
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "degree": self.degree, "shared": self.shared, "data_format": self.data_format}

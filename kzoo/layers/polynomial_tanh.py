"""A trained activation: a hyperbolic tangent of a polynomial.

Source: as `kzoo.ops.polynomial_tanh`.
"""

import keras

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, check_channels, from_last, to_last
from kzoo.ops.polynomial_tanh import polynomial_tanh


@keras.saving.register_keras_serializable("kzoo")
class PolynomialTanh(BaseLayer):
    """a * tanh(b0 + b1 x + ... + bn x^n) with trained a and b, for each channel or shared by all.

    Shapes: (B, ..., C) -> the same, or channels first; any number of axes. Weights: a (C,), from ones; b (degree + 1,
    C), from b1 = 1 and zeros, so that it starts as tanh; with `shared` a () and b (degree + 1,).
    Arguments: degree, at least 1; shared; data_format.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.polynomial_tanh`.

    >>> layer = PolynomialTanh(3)
    >>> tuple(layer(keras.ops.ones((1, 9, 8, 2))).shape), layer.count_params()
    ((1, 9, 8, 2), 10)
    """

    def __init__(self, degree=3, shared=False, data_format=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        require(is_integer(degree, least=1), who, "degree, an integer above 0", degree=degree)
        self.degree, self.shared, self.data_format = int(degree), bool(shared), as_data_format(who, data_format)

    def build(self, input_shape):
        channels = check_channels(type(self).__name__, input_shape, self.data_format)
        each = () if self.shared else (channels,)

        def line(shape, dtype=None):
            powers = keras.ops.reshape(keras.ops.arange(shape[0]) == 1, (-1, *(1,) * len(each)))
            return keras.ops.broadcast_to(keras.ops.cast(powers, dtype), shape)

        self.a = self.add_weight(name="a", shape=each, initializer="ones")
        self.b = self.add_weight(name="b", shape=(self.degree + 1, *each), initializer=line)

    def call(self, inputs):
        return from_last(polynomial_tanh(to_last(inputs, self.data_format), self.a, self.b), self.data_format)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "degree": self.degree, "shared": self.shared, "data_format": self.data_format}

"""Capsules that are chosen by routing.

Source: as `kzoo.ops.route`.
"""

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.ops.route import route


@keras.saving.register_keras_serializable("kzoo")
class Capsules(BaseLayer):
    """Each capsule below predicts those above; predictions that agree are listened to.

    Shapes: (B, inputs, d) -> (B, capsules, dimension), vectors of lengths below 1: how likely their entity is.
    Weights: kernel (inputs, capsules, d, dimension), then with `use_bias` a bias (capsules, dimension).
    Arguments: capsules, dimension, iterations of the routing, use_bias, kernel_initializer, by default the authors'
    truncated normal of deviation 0.1, bias_initializer.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.route`.

    >>> layer = Capsules(10, 16)
    >>> tuple(layer(keras.ops.ones((1, 1152, 8))).shape), layer.count_params()
    ((1, 10, 16), 1474560)
    """

    def __init__(
        self,
        capsules,
        dimension,
        iterations=3,
        use_bias=False,
        kernel_initializer=None,
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        settings = {"capsules": capsules, "dimension": dimension, "iterations": iterations}
        for name, value in settings.items():
            require(is_integer(value, least=1), type(self).__name__, f"{name}, an integer above 0", **{name: value})
            setattr(self, name, int(value))
        self.use_bias = bool(use_bias)
        default = keras.initializers.TruncatedNormal(stddev=0.1)  # fans would count all pairs of capsules as inputs
        self.kernel_initializer = keras.initializers.get(kernel_initializer or default)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        _, inputs, depth = input_shape
        known = inputs is not None and depth is not None
        expected = "a known number of capsules below and of their dimension"
        require(known, type(self).__name__, expected, input_shape=tuple(input_shape))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.capsules, depth, self.dimension),
            initializer=self.kernel_initializer,
        )
        size = (self.capsules, self.dimension)
        self.bias = (
            self.add_weight(name="bias", shape=size, initializer=self.bias_initializer) if self.use_bias else None
        )

    def call(self, inputs):
        predictions = ops.einsum("bni,nkid->bnkd", inputs, self.kernel)
        return route(predictions, self.iterations, self.bias)

    def compute_output_shape(self, input_shape):
        good = len(input_shape) == 3 and 0 not in input_shape[1:]
        require(good, type(self).__name__, "an input (batch, capsules, dimension)", shape=tuple(input_shape))
        return input_shape[0], self.capsules, self.dimension

    def get_config(self):
        config = {name: getattr(self, name) for name in ("capsules", "dimension", "iterations", "use_bias")}
        for part in ("kernel_initializer", "bias_initializer"):
            config[part] = keras.initializers.serialize(getattr(self, part))
        return {**super().get_config(), **config}

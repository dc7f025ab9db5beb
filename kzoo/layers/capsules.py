"""Capsules with dynamic routing.

Source: as `kzoo.ops.route`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.field import Fields, whole
from kzoo.layers.identifiers import set_identified
from kzoo.ops.backend import check_floating, sum_dtype
from kzoo.ops.route import route
from kzoo.types import Initializer, KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class Capsules(BaseLayer):
    """A capsule layer with dynamic routing: input capsules vote for output capsules, and agreeing votes count more.

    Shapes: (B, inputs, d) -> (B, capsules, dimension). An output vector's length, below 1, is the probability that its
    entity is present.
    Weights: kernel (inputs, capsules, d, dimension), then with `use_bias` a bias (capsules, dimension).
    Arguments: capsules; dimension; iterations of the routing; use_bias; kernel_initializer, by default the authors'
    truncated normal with a standard deviation of 0.1; bias_initializer; leaky, whether votes that agree with no output
    capsule may go to none.

    >>> layer = Capsules(10, 16)
    >>> tuple(layer(keras.ops.ones((1, 1152, 8))).shape), layer.count_params()
    ((1, 10, 16), 1474560)
    """

    def __init__(
        self,
        capsules: int,
        dimension: int,
        iterations: int = 3,
        use_bias: bool = False,
        kernel_initializer: Initializer = None,
        bias_initializer: Initializer = "zeros",
        leaky: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        settings = {"capsules": capsules, "dimension": dimension, "iterations": iterations}
        for name, value in settings.items():
            require(is_integer(value, least=1), type(self).__name__, f"{name}, an integer above 0", **{name: value})
            setattr(self, name, int(value))
        self.use_bias, self.leaky = bool(use_bias), bool(leaky)
        default = keras.initializers.TruncatedNormal(stddev=0.1)  # fans would count all pairs of capsules
        set_identified(
            self,
            kernel_initializer=default if kernel_initializer is None else kernel_initializer,
            bias_initializer=bias_initializer,
        )

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        _, inputs, depth = input_shape
        known = inputs is not None and depth is not None
        expected = "input capsules of known number and dimension"
        require(known, type(self).__name__, expected, input_shape=tuple(input_shape))
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.capsules, depth, self.dimension),
            initializer=self.kernel_initializer,
        )
        self.bias = None
        if self.use_bias:
            size = (self.capsules, self.dimension)
            self.bias = self.add_weight(name="bias", shape=size, initializer=self.bias_initializer)

    def call(self, inputs: Tensor) -> Tensor:
        check_floating(type(self).__name__, inputs)
        dtype = sum_dtype(inputs.dtype)  # the kernel's gradient is a sum over the batch
        predictions = ops.einsum("bni,nkid->bnkd", ops.cast(inputs, dtype), ops.cast(self.kernel, dtype))
        return route(ops.cast(predictions, inputs.dtype), self.iterations, self.bias, self.leaky)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        good = len(input_shape) == 3 and 0 not in input_shape[1:]
        require(good, type(self).__name__, "an input (batch, capsules, dimension)", shape=tuple(input_shape))
        return input_shape[0], self.capsules, self.dimension

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of predictions, weighted sums and, except in the last iteration, agreements."""
        _, inputs, depth = input_shapes[0]
        return 2 * inputs * self.capsules * self.dimension * (depth + 2 * self.iterations - 1)

    def get_config(self):
        config = {name: getattr(self, name) for name in ("capsules", "dimension", "iterations", "use_bias", "leaky")}
        for part in ("kernel_initializer", "bias_initializer"):
            config[part] = keras.initializers.serialize(getattr(self, part))
        return {**super().get_config(), **config}

"""Capsules with dynamic routing.

Source: as `kzoo.ops.route`.
"""

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_capsules import BaseCapsules
from kzoo.layers.field import Fields, whole
from kzoo.ops.backend import sum_dtype
from kzoo.ops.route import route
from kzoo.types import KnownShape, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class Capsules(BaseCapsules):
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

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        _, inputs, depth = input_shape
        known = inputs is not None and depth is not None
        expected = "input capsules of known number and dimension"
        require(known, type(self).__name__, expected, input_shape=tuple(input_shape))
        self.build_weights((inputs, self.capsules, depth, self.dimension))

    def call(self, inputs: Tensor) -> Tensor:
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

"""ZCA whitening: images whose values are decorrelated over the training examples, and still look like images.

Source: Bell & Sejnowski 1997, 'The "independent components" of natural scenes are edge filters'; with the epsilon of
pylearn2's `ZCA`, as in Goodfellow et al. 2013, "Maxout networks".
"""

import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_number, require
from kzoo.layers.adapt_batches import adapt_batches
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.field import Fields, whole
from kzoo.types import KnownShape, Shape, Tensor

MOST = 10_000  # values of an input: a matrix of 10,000 x 10,000 float64 has 0.8 GB, and `adapt` needs five


@keras.saving.register_keras_serializable("kzoo")
class ZCAWhitening(BaseLayer):
    """Decorrelates the values of an image by the inverse square root of their covariance, which `adapt` computes.

    Shapes: (B, ...) -> the same, of known sizes and at most 10,000 values.
    Weights: mean (D,) and whitening (D, D) for inputs of D values, none of them trained; zeros and the identity until
    `adapt` computes them.
    Arguments: epsilon, added to the variances of the principal components, in the square of the input's unit.

    >>> layer, x = ZCAWhitening(epsilon=1e-6), np.random.default_rng(0).normal(size=(100, 2)) @ [[3, 2], [0, 1]]
    >>> layer.adapt(x)
    >>> np.cov(layer(x), rowvar=False, ddof=0).round(3) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, epsilon: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        good = is_number(epsilon) and 0 < epsilon < math.inf
        require(good, type(self).__name__, "epsilon, a number above 0", epsilon=epsilon)
        self.epsilon = float(epsilon)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        depth, options = math.prod(input_shape[1:]), {"trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(depth,), initializer="zeros", **options)
        self.whitening = self.add_weight(name="whitening", shape=(depth, depth), initializer="identity", **options)

    def adapt(self, data: Tensor | Iterable[Tensor]) -> None:
        """Computes the mean, and the whitening matrix from the eigenvectors of the covariance, in float64.

        Arguments: data, an array (N, ...) or an iterable of such batches.
        """
        total, products, count = 0.0, 0.0, 0
        for batch in adapt_batches(self, data):
            rows = batch.reshape(len(batch), -1)
            total += rows.sum(0)
            products += rows.T @ rows
            count += len(rows)
        mean = total / count
        variances, axes = np.linalg.eigh(products / count - np.outer(mean, mean))
        self.mean.assign(mean)
        # scaled along the principal components, then rotated back
        self.whitening.assign((axes / np.sqrt(np.maximum(variances, 0) + self.epsilon)) @ axes.T)

    def call(self, inputs: Tensor) -> Tensor:
        self.compute_output_shape(inputs.shape)  # twice as many values would be taken for twice as many examples
        rows = ops.reshape(ops.cast(inputs, self.mean.dtype), (-1, self.mean.shape[0]))
        y = ops.matmul(rows - self.mean, self.whitening)
        return ops.cast(ops.reshape(y, (-1, *inputs.shape[1:])), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who, sizes = type(self).__name__, [n for n in input_shape[1:] if n is not None]
        require(0 < len(sizes) == len(input_shape) - 1, who, "an input of known sizes", shape=tuple(input_shape))
        depth = math.prod(sizes)
        expected = f"an input of 1 to {MOST:,} values, as its matrix has the square of their number"
        require(0 < depth <= MOST, who, expected, values=depth, shape=tuple(input_shape))
        fits = not self.built or depth == self.mean.shape[0]
        require(fits, who, "an input of as many values as it was built for", values=depth, shape=tuple(input_shape))
        return tuple(input_shape)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0])

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of whitening."""
        return 2 * math.prod(input_shapes[0][1:]) ** 2

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}

"""Probabilistic max pooling of convolutional deep belief networks.

Source: as `kzoo.ops.probabilistic_max_pool`.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import as_bool
from kzoo.layers.base_layer import BaseLayer, set_seed
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import UPPER_BOUND, Field, Fields
from kzoo.ops.probabilistic_max_pool import check_blocks, probabilistic_max_pool
from kzoo.ops.views import as_tuple
from kzoo.types import DataFormat, KnownShape, Shape, Size, Tensor


@keras.saving.register_keras_serializable("kzoo")
class ProbabilisticMaxPooling2D(BaseLayer):
    """The probability that a unit of each block is on, where at most one can be; or a sample of the units' states.

    Shapes: (B, H, W, C) -> (B, H / pool_size, W / pool_size, C), or channels first; pool_size must divide H and W. With
    `return_hidden` a pair: the units (B, H, W, C) and the pooled blocks.
    Arguments: pool_size; sample, whether to draw zeros and ones instead of probabilities, in training and at inference,
    without a gradient; return_hidden; data_format; seed.

    >>> ProbabilisticMaxPooling2D(2)(keras.ops.zeros((1, 2, 2, 1))).numpy().ravel()  # four units and "none": 4 / 5
    array([0.8], dtype=float32)
    """

    def __init__(
        self,
        pool_size: Size = 2,
        sample: bool = False,
        return_hidden: bool = False,
        data_format: DataFormat = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.pool_size = as_tuple(who, "pool_size", pool_size, 2)
        self.sample, self.return_hidden = as_bool(who, sample=sample), as_bool(who, return_hidden=return_hidden)
        self.data_format = as_data_format(who, data_format)
        set_seed(self, seed)

    def call(self, inputs: Tensor) -> Tensor:
        x, noise = to_channels_last(inputs, self.data_format), None
        if self.sample:
            batch, *spatial, channels = ops.shape(x)
            shape = (batch, *(n // k for n, k in zip(spatial, self.pool_size)), channels)
            noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        hidden, pooled = (
            from_channels_last(y, self.data_format) for y in probabilistic_max_pool(x, self.pool_size, noise)
        )
        return (hidden, pooled) if self.return_hidden else pooled

    def compute_output_shape(self, input_shape: Shape) -> Any:
        who = type(self).__name__
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, 2, self.data_format)
        check_blocks(who, "pool_size", self.pool_size, spatial)
        size = (None if n is None else n // k for n, k in zip(spatial, self.pool_size))
        pooled = shape_from_channels_last((batch, *size, channels), self.data_format)
        return (tuple(input_shape), pooled) if self.return_hidden else pooled

    def compute_output_spec(self, inputs, training=False):
        if not self.return_hidden:
            return super().compute_output_spec(inputs)
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for shape in self.compute_output_shape(inputs.shape))

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        """Returns the fields of the pooled outputs, or with return_hidden those of the hidden units."""
        if self.return_hidden:  # each sees the block that it lies in
            return tuple(Field(2 * k - 1, padding=k - 1, status=UPPER_BOUND) for k in self.pool_size)
        return tuple(Field(k, k) for k in self.pool_size)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return math.prod(input_shapes[0][1:])

    def get_config(self):
        names = ("pool_size", "sample", "return_hidden", "data_format", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

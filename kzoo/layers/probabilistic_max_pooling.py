"""Probabilistic max pooling of convolutional deep belief networks.

Source: as `kzoo.ops.probabilistic_max_pool`.
"""

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.probabilistic_max_pool import check_blocks, probabilistic_max_pool
from kzoo.ops.views import as_tuple


@keras.saving.register_keras_serializable("kzoo")
class ProbabilisticMaxPooling2D(BaseLayer):
    """The probability that a unit of each block is on, where at most one can be; or a draw of which one is.

    Shapes: (B, H, W, C) -> (B, H / pool_size, W / pool_size, C), or channels first; sizes that pool_size divides. With
    return_hidden a pair: the units (B, H, W, C), then the pooled ones.
    Arguments: pool_size; sample: draw zeros and ones instead of probabilities, in training and at inference, without a
    gradient; return_hidden; data_format; seed.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.probabilistic_max_pool`.

    >>> ProbabilisticMaxPooling2D(2)(keras.ops.zeros((1, 2, 2, 1))).numpy().ravel()  # four units and "none": 4 / 5
    array([0.8], dtype=float32)
    """

    def __init__(self, pool_size=2, sample=False, return_hidden=False, data_format=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.pool_size = as_tuple(who, "pool_size", pool_size, 2)
        self.sample, self.return_hidden = bool(sample), bool(return_hidden)
        self.data_format = as_data_format(who, data_format)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs):
        x, noise = to_last(inputs, self.data_format), None
        if self.sample:
            batch, *spatial, channels = ops.shape(x)
            shape = (batch, *(n // k for n, k in zip(spatial, self.pool_size)), channels)
            noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        hidden, pooled = (from_last(y, self.data_format) for y in probabilistic_max_pool(x, self.pool_size, noise))
        return (hidden, pooled) if self.return_hidden else pooled

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        batch, *spatial, channels = shape_to_last(who, input_shape, 2, self.data_format)
        check_blocks(who, "pool_size", self.pool_size, spatial)
        size = (None if n is None else n // k for n, k in zip(spatial, self.pool_size))
        pooled = shape_from_last((batch, *size, channels), self.data_format)
        return (tuple(input_shape), pooled) if self.return_hidden else pooled

    def compute_output_spec(self, inputs, training=False):
        if not self.return_hidden:
            return super().compute_output_spec(inputs)
        require("float" in str(inputs.dtype), type(self).__name__, "floating inputs", dtype=str(inputs.dtype))
        return tuple(keras.KerasTensor(shape, self.compute_dtype) for shape in self.compute_output_shape(inputs.shape))

    def get_config(self):
        names = ("pool_size", "sample", "return_hidden", "data_format", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

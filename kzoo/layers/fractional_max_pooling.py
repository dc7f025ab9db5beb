"""Fractional max pooling: an image shrinks by any ratio, over regions drawn anew at each training step.

Source: as `kzoo.ops.fractional_max_pool`.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.fractional_max_pool import fractional_edges, fractional_max_pool

EXACT = 1e-9  # 33 / 1.1 is 30, not 29.999...


@keras.saving.register_keras_serializable("kzoo")
class FractionalMaxPooling2D(BaseLayer):
    """Max pooling to floor(size / pooling_ratio) regions an axis.

    Shapes: (B, H, W, C) -> (B, floor(H / ratio), floor(W / ratio), C), or channels first.
    Arguments: pooling_ratio, a number of at least 1 or two of them, in the paper between 1 and 2; overlapping: regions
    share their border cells; pseudo_random: regions by a random shift of an even sequence, else in random order; seed.
    A call in training draws the regions, one set for the batch; at inference they are the even sequence.
    The paper draws at inference too, and averages several passes: call this layer with training=True for that.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.fractional_max_pool`.

    >>> tuple(FractionalMaxPooling2D(2**0.5)(keras.ops.ones((1, 36, 25, 3))).shape)
    (1, 25, 17, 3)
    """

    def __init__(
        self,
        pooling_ratio=2**0.5,
        overlapping=False,
        pseudo_random=True,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        ratios = pooling_ratio if isinstance(pooling_ratio, (tuple, list)) else (pooling_ratio,) * 2
        good = len(ratios) == 2 and all(is_number(ratio) and 1 <= ratio < math.inf for ratio in ratios)
        require(good, who, "pooling_ratio, a number of at least 1 or 2 of them", pooling_ratio=pooling_ratio)
        self.pooling_ratio = tuple(map(float, ratios))
        self.overlapping = bool(overlapping)
        self.pseudo_random = bool(pseudo_random)
        self.data_format = as_data_format(who, data_format)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # to refuse in the layer's name

    def call(self, inputs, training=False):
        x = to_last(inputs, self.data_format)
        edges, widest = [], 1
        for size, ratio in zip(ops.shape(x)[1:-1], self.pooling_ratio):
            count, pseudo_random = regions(size, ratio), self.pseudo_random or not training
            samples = 0.5
            if training:
                shape = () if pseudo_random else (count,)
                samples = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
            edges.append(fractional_edges(size, count, samples, pseudo_random))
            # size / count is above the ratio, but never twice it
            widest = max(widest, -(-size // count) if isinstance(size, int) else math.ceil(2 * ratio))
        return from_last(fractional_max_pool(x, edges, self.overlapping, widest), self.data_format)

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        batch, *spatial, channels = shape_to_last(who, input_shape, 2, self.data_format)
        for size, ratio in zip(spatial, self.pooling_ratio):
            fits = size is None or size >= ratio
            require(fits, who, "an input of at least pooling_ratio cells an axis", size=size, pooling_ratio=ratio)
        counts = (None if n is None else regions(n, ratio) for n, ratio in zip(spatial, self.pooling_ratio))
        return shape_from_last((batch, *counts, channels), self.data_format)

    def get_config(self):
        names = ("pooling_ratio", "overlapping", "pseudo_random", "data_format", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def regions(size, ratio):
    """floor(size / ratio), for an integer or a scalar tensor."""
    if isinstance(size, int):
        return max(math.floor(size / ratio + EXACT), 1)
    return ops.maximum(ops.cast(ops.floor(ops.cast(size, "float64") / ratio + EXACT), "int32"), 1)

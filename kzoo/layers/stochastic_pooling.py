"""Stochastic pooling layers: a cell drawn in training, the weighted mean at inference.

Source: as `kzoo.ops.stochastic_pool`.
"""

import keras
from keras import ops

from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.data_format import from_last, to_last
from kzoo.ops.stochastic_pool import stochastic_pool


class StochasticPooling(BasePooling):
    """Any rank; use `StochasticPooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size=2,
        strides=None,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        seed=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        x, noise = to_last(inputs, self.data_format), None
        if training:
            batch, *spatial, channels = ops.shape(x)
            shape = (batch, *self.window.output(spatial), channels)
            noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return from_last(stochastic_pool(x, *self.geometry, noise), self.data_format)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling1D(StochasticPooling):
    """A cell of each window of a signal, drawn in proportion to its activation; at inference their weighted mean.

    Shapes: (B, L, C) -> (B, L', C). Units: cells. What is not above 0 is never drawn: put it after a rectifier.
    Arguments: pool_size, strides (default: pool_size), padding (any of `Conv1D`'s), data_format, dilation_rate; seed.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.stochastic_pool`.

    >>> layer = StochasticPooling1D(2)  # of 1 and 3: each with its probability, then the mean with these as weights
    >>> x = keras.ops.reshape(keras.ops.array([1.0, 3.0]), (1, 2, 1))
    >>> layer(x, training=True).numpy().item() in (1.0, 3.0), layer(x).numpy().item()
    (True, 2.5)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling2D(StochasticPooling):
    """A cell of each window of an image, drawn in proportion to its activation; at inference their weighted mean.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Arguments, errors, source: as `StochasticPooling1D`.

    >>> tuple(StochasticPooling2D(3, strides=2, padding="same")(keras.ops.ones((1, 9, 8, 3)), training=True).shape)
    (1, 5, 4, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling3D(StochasticPooling):
    """A cell of each window of a volume or clip, drawn by its activation; at inference their weighted mean.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first. Arguments, errors, source: as
    `StochasticPooling1D`.

    >>> tuple(StochasticPooling3D(2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

"""Stochastic pooling layers: a random value of each window in training, the weighted mean at inference.

Source: as `kzoo.ops.stochastic_pool`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.layers.base_layer import set_seed
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.ops.stochastic_pool import stochastic_pool
from kzoo.types import DataFormat, Padding, Size, Tensor


class StochasticPooling(BasePooling):
    """Any rank; use `StochasticPooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        set_seed(self, seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        x, noise = to_channels_last(inputs, self.data_format), None
        if training:
            batch, *spatial, channels = ops.shape(x)
            shape = (batch, *self.window.output(spatial), channels)
            noise = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return from_channels_last(stochastic_pool(x, **self.geometry, noise=noise), self.data_format)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling1D(StochasticPooling):
    """Draws a value of each window of a signal in proportion to it; at inference, the mean with these probabilities.

    Shapes: (B, L, C) -> (B, L', C), or channels first. Values that are not above 0 are never drawn: use it after a
    ReLU.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate; seed;
    ceil_mode, as `MaxPoolingWithArgmax1D`.

    >>> layer = StochasticPooling1D(2)  # of 1 and 3: either one in training, (1 * 1 + 3 * 3) / 4 at inference
    >>> x = keras.ops.reshape(keras.ops.array([1.0, 3.0]), (1, 2, 1))
    >>> layer(x, training=True).numpy().item() in (1.0, 3.0), layer(x).numpy().item()
    (True, 2.5)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling2D(StochasticPooling):
    """Draws a value of each window of an image in proportion to it; at inference, the mean with these probabilities.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: as `StochasticPooling1D`.

    >>> tuple(StochasticPooling2D(3, strides=2, padding="same")(keras.ops.ones((1, 9, 8, 3)), training=True).shape)
    (1, 5, 4, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class StochasticPooling3D(StochasticPooling):
    """Draws a value of each window of a volume in proportion to it; at inference, the mean with these probabilities.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `StochasticPooling1D`.

    >>> tuple(StochasticPooling3D(2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

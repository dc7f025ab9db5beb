"""Lp pooling layers.

Source: as `kzoo.ops.lp_pool`.
"""

from typing import Any

import keras

from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.lp_pool import as_norm, lp_pool
from kzoo.types import DataFormat, Padding, Size


class LPPooling(BasePooling):
    """Any rank; use `LPPooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        p: float = 2.0,
        epsilon: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        norm = as_norm(type(self).__name__, p, epsilon)
        self.p, self.epsilon = norm["p"], norm["epsilon"]

    def op(self, x):
        return lp_pool(x, **self.geometry, p=self.p, epsilon=self.epsilon)

    def get_config(self):
        return {**super().get_config(), "p": self.p, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("kzoo")
class LPPooling1D(LPPooling):
    """The p-norm of each window of a signal.

    Shapes: (B, L, C) -> (B, L', C), or channels first.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate; p, at
    least 1, or infinity; epsilon, added under the root; ceil_mode, as `MaxPoolingWithArgmax1D`.

    >>> LPPooling1D(2)(keras.ops.reshape(keras.ops.array([3.0, -4.0]), (1, 2, 1))).numpy().item()
    5.0
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class LPPooling2D(LPPooling):
    """The p-norm of each window of an image: the sum of magnitudes at p = 1, their maximum at infinity.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: as `LPPooling1D`.

    >>> tuple(LPPooling2D(3, strides=2, padding="same", p=4)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class LPPooling3D(LPPooling):
    """The p-norm of each window of a volume or clip.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `LPPooling1D`.

    >>> tuple(LPPooling3D(2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

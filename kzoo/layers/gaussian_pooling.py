"""Gaussian pooling layers: averages weighted by the distance from the window's centre.

Source: as `kzoo.ops.gaussian_pool`.
"""

from collections.abc import Sequence
from typing import Any

import keras

from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.gaussian_pool import as_sigma, gaussian_pool
from kzoo.types import DataFormat, Padding, Size


class GaussianPooling(BasePooling):
    """Any rank; use `GaussianPooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        sigma: float | Sequence[float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        self.sigma = as_sigma(type(self).__name__, sigma, self.pool_size)

    def op(self, x):
        return gaussian_pool(x, **self.geometry, sigma=self.sigma)

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("kzoo")
class GaussianPooling1D(GaussianPooling):
    """Average pooling of signals, weighted by a Gaussian around the centre of each window.

    Shapes: (B, L, C) -> (B, L', C), or channels first.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate; sigma, a
    number or one per axis, by default a quarter of pool_size; ceil_mode, as `MaxPoolingWithArgmax1D`.

    >>> GaussianPooling1D(3)(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1))).numpy().item()
    1.0
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class GaussianPooling2D(GaussianPooling):
    """Average pooling of images, weighted by a Gaussian around the centre of each window.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: as `GaussianPooling1D`.

    >>> tuple(GaussianPooling2D(3, strides=2, padding="same")(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class GaussianPooling3D(GaussianPooling):
    """Average pooling of volumes or clips, weighted by a Gaussian around the centre of each window.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `GaussianPooling1D`.

    >>> tuple(GaussianPooling3D(2)(keras.ops.ones((1, 4, 4, 4, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

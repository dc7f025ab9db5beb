"""Average pooling layers.

Source: as `kzoo.ops.average_pool`.
"""

from typing import Any

import keras

from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.average_pool import as_divisor, average_pool
from kzoo.types import DataFormat, Padding, Size


class AveragePooling(BasePooling):
    """Any rank; use `AveragePooling1D`, `2D` or `3D`."""

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        count_include_pad: bool = False,
        divisor: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)
        counted = as_divisor(type(self).__name__, count_include_pad, divisor)
        self.count_include_pad, self.divisor = counted["count_include_pad"], counted["divisor"]

    def op(self, x):
        return average_pool(x, **self.geometry, count_include_pad=self.count_include_pad, divisor=self.divisor)

    def get_config(self):
        return {**super().get_config(), "count_include_pad": self.count_include_pad, "divisor": self.divisor}


@keras.saving.register_keras_serializable("kzoo")
class AveragePooling1D(AveragePooling):
    """Average pooling of signals with the choices of Keras, PyTorch and Caffe at the border.

    Shapes: (B, L, C) -> (B, L', C), or channels first.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate;
    count_include_pad, whether zero padding counts in a mean; divisor, by which every sum is divided instead (PyTorch's
    divisor_override); ceil_mode, as `MaxPoolingWithArgmax1D`: what it adds does not count.
    By default the means are those of `keras.layers.AveragePooling1D`. PyTorch's default is count_include_pad=True;
    Caffe's pool has ceil_mode=True too.

    >>> AveragePooling1D(2, ceil_mode=True)(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1)))[0, :, 0].numpy()
    array([0.5, 2. ], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class AveragePooling2D(AveragePooling):
    """Average pooling of images with the choices of Keras, PyTorch and Caffe at the border.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: as `AveragePooling1D`. `AveragePooling2D(3, 2, 1, count_include_pad=True)` is
    `torch.nn.AvgPool2d(3, 2, 1)`; with ceil_mode=True it is Caffe's average pool.

    >>> tuple(AveragePooling2D(3, strides=2, padding=((0, 1), 1))(keras.ops.ones((1, 8, 9, 3))).shape)
    (1, 4, 5, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class AveragePooling3D(AveragePooling):
    """Average pooling of volumes or clips with the choices of Keras, PyTorch and Caffe at the border.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `AveragePooling1D`.

    >>> tuple(AveragePooling3D(2, ceil_mode=True)(keras.ops.ones((1, 4, 5, 4, 1))).shape)
    (1, 2, 3, 2, 1)
    """

    rank = 3

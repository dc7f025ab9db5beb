"""Blur pooling: a binomial low-pass filter with a stride.

Source: as `kzoo.ops.blur_pool`.
"""

from typing import Any

import keras

from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.blur_pool import blur_padding, blur_pool
from kzoo.ops.views import as_tuple
from kzoo.types import DataFormat, Padding, Size


@keras.saving.register_keras_serializable("kzoo")
class BlurPooling2D(BasePooling):
    """Anti-aliased downsampling: a binomial blur before the stride, so that small shifts hardly change the output.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: pool_size, the blur filter's size; strides; padding, any of `Conv2D`'s, by default the paper's
    (reflection, pool_size - 1 pixels in all); data_format; dilation_rate; ceil_mode, as `MaxPoolingWithArgmax1D`.
    For max blur pooling put `keras.layers.MaxPooling2D(2, 1)` before this layer.

    >>> tuple(BlurPooling2D()(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 3)
    """

    rank = 2

    def __init__(
        self,
        pool_size: Size = 3,
        strides: Size = 2,
        padding: Padding | None = None,
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        **kwargs: Any,
    ):
        if padding is None:
            who = type(self).__name__
            size = as_tuple(who, "pool_size", pool_size, self.rank)
            padding = blur_padding(size, as_tuple(who, "dilation_rate", dilation_rate, self.rank))
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)

    def op(self, x):
        return blur_pool(x, **self.geometry)

"""Blur pooling: a low-pass filter, then a stride.

Source: as `kzoo.ops.blur_pool`.
"""

import keras

from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.blur_pool import blur_padding, blur_pool
from kzoo.ops.views import as_tuple


@keras.saving.register_keras_serializable("kzoo")
class BlurPooling2D(BasePooling):
    """Binomial averages before each stride, so that a small shift of the input changes the output little.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Units: cells. Max blur pooling is
    `keras.layers.MaxPooling2D(2, 1)` before it.
    Arguments: pool_size, the filter's size; strides; padding, by default the paper's, else any of `Conv2D`'s;
    data_format, dilation_rate.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.blur_pool`.

    >>> tuple(BlurPooling2D()(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 5, 4, 3)
    """

    rank = 2

    def __init__(self, pool_size=3, strides=2, padding=None, data_format=None, dilation_rate=1, **kwargs):
        if padding is None:
            who = type(self).__name__
            size = as_tuple(who, "pool_size", pool_size, self.rank)
            padding = blur_padding(size, as_tuple(who, "dilation_rate", dilation_rate, self.rank))
        super().__init__(pool_size, strides, padding, data_format, dilation_rate, **kwargs)

    def op(self, x):
        return blur_pool(x, *self.geometry)

"""Max pooling layers.

Source: as `kzoo.ops.max_pool`.
"""

import keras

from kzoo.layers.base_layer import ORDERED
from kzoo.layers.base_pooling import BasePooling
from kzoo.ops.max_pool import max_pool


class MaxPooling(BasePooling):
    """Any rank; use `MaxPooling1D`, `2D` or `3D`."""

    takes = ORDERED

    def op(self, x):
        return max_pool(x, **self.geometry)


@keras.saving.register_keras_serializable("kzoo")
class MaxPooling1D(MaxPooling):
    """Max pooling of signals with every padding, dilations and PyTorch's ceil_mode; fast in steps compiled for CPUs.

    Shapes: (B, L, C) -> (B, L', C), or channels first.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate;
    ceil_mode, as `MaxPoolingWithArgmax1D`. The defaults are those of `keras.layers.MaxPooling1D`.

    >>> MaxPooling1D(2, ceil_mode=True)(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1)))[0, :, 0].numpy()
    array([1., 2.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class MaxPooling2D(MaxPooling):
    """Max pooling of images with every padding, dilations and PyTorch's ceil_mode; fast in steps compiled for CPUs.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Arguments: as `MaxPooling1D`. `MaxPooling2D(3, 2, 1)` is `torch.nn.MaxPool2d(3, 2, 1)`.

    >>> tuple(MaxPooling2D(3, strides=2, padding=((0, 1), 1))(keras.ops.ones((1, 8, 9, 3))).shape)
    (1, 4, 5, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class MaxPooling3D(MaxPooling):
    """Max pooling of volumes or clips with every padding, dilations and PyTorch's ceil_mode.

    Shapes: (B, D, H, W, C) -> (B, D', H', W', C), or channels first.
    Arguments: as `MaxPooling1D`.

    >>> tuple(MaxPooling3D((1, 2, 2))(keras.ops.ones((1, 4, 5, 4, 1))).shape)
    (1, 4, 2, 2, 1)
    """

    rank = 3

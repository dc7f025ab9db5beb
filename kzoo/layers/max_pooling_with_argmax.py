"""Max pooling layers that also return the indices of the maxima.

Source: as `kzoo.ops.max_pool_with_argmax`.
"""

from typing import Any

import keras

from kzoo.layers.base_layer import ORDERED
from kzoo.layers.base_pooling import BasePooling
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.ops.max_pool_with_argmax import check_sample, max_pool_with_argmax
from kzoo.types import Shape, Tensor


class MaxPoolingWithArgmax(BasePooling):
    """Any rank; use `MaxPoolingWithArgmax1D`, `2D` or `3D`."""

    takes = ORDERED

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        values, indices = max_pool_with_argmax(to_channels_last(inputs, self.data_format), **self.geometry)
        return from_channels_last(values, self.data_format), from_channels_last(indices, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        output = super().compute_output_shape(input_shape)
        check_sample(type(self).__name__, tuple(input_shape[1:]))
        return output, output

    def compute_output_spec(self, inputs):
        values, indices = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(values, self.value_dtype(inputs)), keras.KerasTensor(indices, "int32")


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax1D(MaxPoolingWithArgmax):
    """Max pooling of signals that also returns the index of each maximum.

    Shapes: (B, L, C) -> values and int32 indices, each (B, L', C), or channels first. Indices are flat within one
    unpadded sample, numbered channels last in both data formats: `position * C + channel`.
    Arguments: pool_size; strides (default: pool_size); padding, any of `Conv1D`'s; data_format; dilation_rate;
    ceil_mode, whether one more window covers the elements that the last one leaves over, if it starts before the end of
    the input, as in PyTorch. Ties and NaN: as `kzoo.ops.max_pool_with_argmax`.

    >>> values, indices = MaxPoolingWithArgmax1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)))
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([1., 3.], dtype=float32), array([1, 3], dtype=int32))
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax2D(MaxPoolingWithArgmax):
    """Max pooling of images that also returns the index of each maximum.

    Shapes: (B, H, W, C) -> values and int32 indices, each (B, H', W', C), or channels first. Indices are flat within
    one unpadded sample, numbered channels last in both data formats: `(row * W + column) * C + channel`.
    Arguments: as `MaxPoolingWithArgmax1D`.

    >>> values, indices = MaxPoolingWithArgmax2D(2)(keras.ops.ones((1, 4, 4, 3)))
    >>> tuple(values.shape), indices.dtype.name
    ((1, 2, 2, 3), 'int32')
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax3D(MaxPoolingWithArgmax):
    """Max pooling of volumes or clips that also returns the index of each maximum.

    Shapes: (B, D, H, W, C) -> values and int32 indices, each (B, D', H', W', C), or channels first. Indices are
    numbered as in `MaxPoolingWithArgmax2D`, with three spatial axes.
    Arguments: as `MaxPoolingWithArgmax1D`.

    >>> values, _ = MaxPoolingWithArgmax3D(2)(keras.ops.ones((1, 4, 4, 4, 1)))
    >>> tuple(values.shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

"""Max pooling layers that also give the places of the maxima.

Source: as `kzoo.ops.max_pool_with_argmax`.
"""

import keras

from kzoo.layers.base_pooling import BasePooling, value_dtype
from kzoo.layers.data_format import from_last, to_last
from kzoo.ops.max_pool_with_argmax import check_sample, max_pool_with_argmax


class MaxPoolingWithArgmax(BasePooling):
    """Any rank; use `MaxPoolingWithArgmax1D`, `2D` or `3D`."""

    def call(self, inputs):
        values, indices = max_pool_with_argmax(to_last(inputs, self.data_format), *self.geometry)
        return from_last(values, self.data_format), from_last(indices, self.data_format)

    def compute_output_shape(self, input_shape):
        output = super().compute_output_shape(input_shape)
        check_sample(type(self).__name__, tuple(input_shape[1:]))
        return output, output

    def compute_output_spec(self, inputs):
        values, indices = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(values, value_dtype(self, inputs)), keras.KerasTensor(indices, "int32")


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax1D(MaxPoolingWithArgmax):
    """Max pooling of signals, values and int32 indices.

    Shapes: (B, L, C) -> values and indices, each (B, L', C). Units: cells. Indices are flat within one unpadded
    sample, channels last in both data formats: `position * C + channel`.
    Arguments: pool_size, strides (default: pool_size), padding (any of `Conv1D`'s), data_format, dilation_rate.
    Ties, NaN, errors, source: as `kzoo.ops.max_pool_with_argmax`.

    >>> values, indices = MaxPoolingWithArgmax1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)))
    >>> values[0, :, 0].numpy(), indices[0, :, 0].numpy()
    (array([1., 3.], dtype=float32), array([1, 3], dtype=int32))
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax2D(MaxPoolingWithArgmax):
    """The largest value of each window of an image, and its index.

    Shapes: (B, H, W, C) -> values and indices, each (B, H', W', C), or channels first. Indices are flat within one
    unpadded sample, channels last in both data formats: `(row * W + column) * C + channel`.
    Arguments, ties, NaN, errors, source: as `MaxPoolingWithArgmax1D`.

    >>> values, indices = MaxPoolingWithArgmax2D(2)(keras.ops.ones((1, 4, 4, 3)))
    >>> tuple(values.shape), indices.dtype.name
    ((1, 2, 2, 3), 'int32')
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class MaxPoolingWithArgmax3D(MaxPoolingWithArgmax):
    """Max pooling of volumes and clips, values and int32 indices.

    Shapes: (B, D, H, W, C) -> values and indices, each (B, D', H', W', C), or channels first. Arguments, indices,
    ties, NaN, errors, source: as `MaxPoolingWithArgmax2D`, with three spatial axes.

    >>> values, _ = MaxPoolingWithArgmax3D(2)(keras.ops.ones((1, 4, 4, 4, 1)))
    >>> tuple(values.shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

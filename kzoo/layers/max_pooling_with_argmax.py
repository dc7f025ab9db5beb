"""Max pooling layers that also give the places of the maxima.

Source: as `kzoo.ops.max_pool_with_argmax`.
"""

import keras

from kzoo.layers.base_conv import as_plain
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.max_pool_with_argmax import check_pool, max_pool_with_argmax
from kzoo.ops.views import as_tuple, window

NAMES = ("pool_size", "strides", "padding", "dilation_rate")


class BasePooling(keras.layers.Layer):
    """The arguments that layers with a pooling window share."""

    rank = None

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, dilation_rate=1, **kwargs):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.pool_size = as_tuple(who, "pool_size", pool_size, self.rank)
        self.strides = as_tuple(who, "strides", self.pool_size if strides is None else strides, self.rank)
        self.padding = as_plain(padding)
        self.data_format = as_data_format(who, data_format)
        self.dilation_rate = as_tuple(who, "dilation_rate", dilation_rate, self.rank)
        self.window = window(who, self.rank, self.pool_size, self.strides, padding, self.dilation_rate, NAMES)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # no weights: only to refuse in the layer's name, not the op's

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in (*NAMES, "data_format")}}


class MaxPoolingWithArgmax(BasePooling):
    """Any rank; use `MaxPoolingWithArgmax1D`, `2D` or `3D`."""

    def call(self, inputs):
        x = to_last(inputs, self.data_format)
        values, indices = max_pool_with_argmax(x, self.pool_size, self.strides, self.padding, self.dilation_rate)
        return from_last(values, self.data_format), from_last(indices, self.data_format)

    def compute_output_shape(self, input_shape):
        shape = shape_to_last(type(self).__name__, input_shape, self.rank, self.data_format)
        check_pool(type(self).__name__, self.window, shape[1:])
        output = shape_from_last((shape[0], *self.window.output(shape[1:-1]), shape[-1]), self.data_format)
        return output, output

    def compute_output_spec(self, inputs):
        values, indices = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(values, value_dtype(self, inputs)), keras.KerasTensor(indices, "int32")


def value_dtype(layer, inputs):
    """The dtype of pooled values: the layer's for floats, which Keras casts to it; integers stay what they are."""
    return layer.compute_dtype if "float" in str(inputs.dtype) else inputs.dtype


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
    """Max pooling of images, values and int32 indices.

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

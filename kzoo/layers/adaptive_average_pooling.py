"""Adaptive average pooling layers: any input size to a chosen output size.

Source: as `kzoo.ops.adaptive_average_pool`.
"""

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import as_data_format, from_last, shape_from_last, shape_to_last, to_last
from kzoo.ops.adaptive_average_pool import adaptive_average_pool, as_bins, bins_of


class BaseAdaptivePooling(BaseLayer):
    """The arguments and shapes that adaptive pooling layers share."""

    rank = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.output_size = as_bins(type(self).__name__, output_size, self.rank)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)  # no weights: only to refuse in the layer's name, not the op's

    def compute_output_shape(self, input_shape):
        who = type(self).__name__
        shape = shape_to_last(who, input_shape, self.rank, self.data_format)
        size = (n if bins is None else bins for n, bins in zip(shape[1:-1], bins_of(who, shape, self.output_size)))
        return shape_from_last((shape[0], *size, shape[-1]), self.data_format)

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling(BaseAdaptivePooling):
    """Any rank; use `AdaptiveAveragePooling1D`, `2D` or `3D`."""

    def call(self, inputs):
        return from_last(adaptive_average_pool(to_last(inputs, self.data_format), self.output_size), self.data_format)


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """The mean of each of `output_size` bins of a signal, whatever its length.

    Shapes: (B, L, C) -> (B, output_size, C); L may be unknown. Units: cells.
    Arguments: output_size, an integer above 0, or None to keep the axis as it is; data_format.
    Errors: ValueError that names the argument, what is expected and what came.
    Source: as `kzoo.ops.adaptive_average_pool`.

    >>> AdaptiveAveragePooling1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)))[0, :, 0].numpy()
    array([0.5, 2.5], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """The mean of each bin of an image, whatever its size.

    Shapes: (B, H, W, C) -> (B, *output_size, C), or channels first; H and W may be unknown.
    Arguments: output_size, an integer or None, or two of these. Errors, source: as `AdaptiveAveragePooling1D`.

    >>> tuple(AdaptiveAveragePooling2D((2, None))(keras.ops.ones((1, 5, 7, 3))).shape)
    (1, 2, 7, 3)
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """The mean of each bin of a volume or clip, whatever its size.

    Shapes: (B, D, H, W, C) -> (B, *output_size, C), or channels first; sizes may be unknown.
    Arguments: output_size, an integer or None, or three of these. Errors, source: as `AdaptiveAveragePooling1D`.

    >>> tuple(AdaptiveAveragePooling3D(2)(keras.ops.ones((1, 5, 7, 3, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

"""Adaptive max pooling layers: from any input size to a fixed output size.

Source: as `kzoo.ops.adaptive_max_pool`.
"""

from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import as_bool
from kzoo.layers.adaptive_average_pooling import BaseAdaptivePooling
from kzoo.layers.base_layer import ORDERED
from kzoo.layers.data_format import from_channels_last, to_channels_last
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.types import DataFormat, Shape, Tensor


class AdaptiveMaxPooling(BaseAdaptivePooling):
    """Any rank; use `AdaptiveMaxPooling1D`, `2D` or `3D`."""

    takes = ORDERED

    def __init__(
        self,
        output_size: int | Sequence[int | None] | None,
        data_format: DataFormat = None,
        return_indices: bool = False,
        **kwargs: Any,
    ):
        super().__init__(output_size, data_format, **kwargs)
        self.return_indices = as_bool(type(self).__name__, return_indices=return_indices)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        y = adaptive_max_pool(x, self.output_size, self.return_indices)
        return keras.tree.map_structure(lambda part: from_channels_last(part, self.data_format), y)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape = super().compute_output_shape(input_shape)
        return (shape, shape) if self.return_indices else shape

    def compute_output_spec(self, inputs):
        shape = super().compute_output_shape(inputs.shape)
        values = keras.KerasTensor(shape, self.value_dtype(inputs))
        return (values, keras.KerasTensor(shape, "int32")) if self.return_indices else values

    def get_config(self):
        return {**super().get_config(), "return_indices": self.return_indices}


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """Max pooling of signals of any length to a fixed number of outputs.

    Shapes: (B, L, C) -> (B, output_size, C), or channels first; L may be unknown. With `return_indices` a pair: the
    values, and int32 indices of the same shape.
    Arguments: output_size, an integer above 0, or None to keep the axis as it is; data_format; return_indices. Indices,
    ties and NaN: as `kzoo.ops.adaptive_max_pool`.

    >>> AdaptiveMaxPooling1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)))[0, :, 0].numpy()
    array([1., 3.], dtype=float32)
    """

    rank = 1


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """Max pooling of images of any size to a fixed output size, optionally with the indices of the maxima.

    Shapes: (B, H, W, C) -> (B, *output_size, C), or channels first; H and W may be unknown. With `return_indices` a
    pair: the values, and int32 indices of the same shape.
    Arguments: output_size, an integer or None for both axes, or two of these; the others as `AdaptiveMaxPooling1D`.

    >>> values, indices = AdaptiveMaxPooling2D((2, None), return_indices=True)(keras.ops.ones((1, 5, 7, 3)))
    >>> tuple(values.shape), indices.dtype.name
    ((1, 2, 7, 3), 'int32')
    """

    rank = 2


@keras.saving.register_keras_serializable("kzoo")
class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """Max pooling of volumes or clips of any size to a fixed output size.

    Shapes: (B, D, H, W, C) -> (B, *output_size, C), or channels first; D, H and W may be unknown. With `return_indices`
    a pair: the values, and int32 indices of the same shape.
    Arguments: output_size, an integer or None for all axes, or three of these; the others as `AdaptiveMaxPooling1D`.

    >>> tuple(AdaptiveMaxPooling3D(2)(keras.ops.ones((1, 5, 7, 3, 1))).shape)
    (1, 2, 2, 2, 1)
    """

    rank = 3

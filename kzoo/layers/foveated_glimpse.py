"""Foveated glimpse: concentric crops of decreasing resolution around a given or learned location.

Source: as `kzoo.ops.foveated_glimpse`.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import BaseLayer, shape_list
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import DATA, Fields, whole
from kzoo.ops.backend import sum_dtype
from kzoo.ops.foveated_glimpse import check_glimpse, foveated_glimpse
from kzoo.ops.views import as_tuple
from kzoo.types import DataFormat, KnownShape, Shape, Size, Tensor


@keras.saving.register_keras_serializable("kzoo")
class FoveatedGlimpse2D(BaseLayer):
    """Crops of growing width and falling resolution around one location, concatenated along the channels.

    Shapes: image (B, H, W, C), or channels first, or [image, location (B, 2)] -> (B, *size, scales * C). A location is
    (row, column), from -1 at the centre of the first pixel to 1 at the centre of the last.
    Weights: location (2,), only if the layer is called without a location: one for all images, at first the centre.
    Arguments: size of a crop in pixels; scales, the number of crops; ratio of the widths of successive crops;
    data_format.

    >>> tuple(FoveatedGlimpse2D(8)([keras.ops.ones((1, 28, 28, 1)), keras.ops.zeros((1, 2))]).shape)
    (1, 8, 8, 3)
    """

    def __init__(self, size: Size, scales: int = 3, ratio: int = 2, data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        who = type(self).__name__
        self.size = as_tuple(who, "size", size, 2)
        check_glimpse(who, scales, ratio)
        self.scales, self.ratio = int(scales), int(ratio)
        self.data_format = as_data_format(who, data_format)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        learned = len(shape_list(input_shape)) == 1
        self.location = self.add_weight(name="location", shape=(2,), initializer="zeros") if learned else None

    def call(self, inputs: Tensor) -> Tensor:
        image, *location = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        x = to_channels_last(image, self.data_format)
        if location:
            (location,) = location
        else:
            # its gradient is a sum over samples
            location = ops.broadcast_to(ops.cast(self.location, sum_dtype(x.dtype)), (ops.shape(x)[0], 2))
        return from_channels_last(foveated_glimpse(x, location, self.size, self.scales, self.ratio), self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        shapes = shape_list(input_shape)
        require(len(shapes) in (1, 2), who, "an image, or [image, location]", inputs=len(shapes))
        batch, *spatial, channels = shape_to_channels_last(who, shapes[0], 2, self.data_format)
        require(channels is not None, who, "a known number of channels", shape=tuple(shapes[0]))
        require(0 not in spatial, who, "an input of at least 1 pixel on each axis", shape=tuple(shapes[0]))
        for shape in shapes[1:]:
            require(len(shape) == 2 and shape[1] == 2, who, "a location (batch, 2)", location=tuple(shape))
        return shape_from_channels_last((batch, *self.size, self.scales * channels), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        return whole(input_shapes[0], DATA)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        """Returns the products of the interpolation, done by matrices: rows first, then columns."""
        _, height, width, channels = shape_to_channels_last(type(self).__name__, input_shapes[0], 2, self.data_format)
        rows, columns = self.size
        return 2 * self.scales * channels * rows * width * (height + columns)

    def get_config(self):
        names = ("size", "scales", "ratio", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

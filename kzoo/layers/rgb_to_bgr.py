"""Reversal of the colour channels, for models whose weights were trained on images as OpenCV reads them.

Source: Caffe, whose image layers have the order blue, green, red.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.layers.base_layer import ANY, BaseLayer, Pointwise
from kzoo.layers.data_format import as_data_format, known_channels
from kzoo.types import DataFormat, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class RGBToBGR(Pointwise, BaseLayer):
    """Reverses the three colour channels, RGB to BGR or back, as Caffe's models take images.

    Shapes: (B, ..., 3) -> the same, or channels first. Of any dtype.
    Arguments: data_format. `keras.layers.Rescaling(1.0, [-104.0, -117.0, -123.0])` next subtracts Caffe's means of
    ImageNet from bytes.

    >>> RGBToBGR()(keras.ops.array([[1, 2, 3]])).numpy()
    array([[3, 2, 1]], dtype=int32)
    """

    takes = ANY

    def __init__(self, data_format: DataFormat = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.flip(inputs, -1 if self.data_format == "channels_last" else 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        channels = known_channels(who, input_shape, self.data_format)
        require(channels == 3, who, "an input of 3 channels", shape=tuple(input_shape))
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}

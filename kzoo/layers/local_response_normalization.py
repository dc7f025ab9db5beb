"""Local response normalization, with the constants of AlexNet or of Caffe.

Source: as `kzoo.ops.local_response_normalization`.
"""

from typing import Any

import keras

from kzoo.checks import as_bool, require
from kzoo.layers.base_layer import BaseLayer, Pointwise
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    known_channels,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import Fields, window_field
from kzoo.ops.local_response_normalization import as_response, local_response_normalization
from kzoo.types import DataFormat, Shape, Tensor


@keras.saving.register_keras_serializable("kzoo")
class LocalResponseNormalization(Pointwise, BaseLayer):
    """Divides each channel by (bias + alpha * energy of the neighbouring channels)^beta, as in AlexNet.

    Shapes: (B, ..., C) -> (B, ..., C), or channels first; any number of axes.
    Arguments: depth_radius, the number of neighbouring channels on each side; bias, alpha and beta, by default
    AlexNet's; divide_by_size, whether alpha is divided by the number of summands, as in Caffe; size, the number of
    channels in the window instead of 2 depth_radius + 1, which may be even as in PyTorch; within_channel, whether the
    window has `size` pixels along each spatial axis of the same channel, as Caffe's WITHIN_CHANNEL; data_format.
    Caffe's `local_size: 5, alpha: 1e-4, k: 1` is bias=1, divide_by_size=True.

    >>> tuple(LocalResponseNormalization()(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 9, 8, 3)
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        divide_by_size: bool = False,
        data_format: DataFormat = None,
        size: int | None = None,
        within_channel: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        as_response(type(self).__name__, depth_radius, bias, alpha, beta, size)
        self.depth_radius, self.bias, self.alpha, self.beta = int(depth_radius), float(bias), float(alpha), float(beta)
        self.divide_by_size = as_bool(type(self).__name__, divide_by_size=divide_by_size)
        self.within_channel = as_bool(type(self).__name__, within_channel=within_channel)
        self.size = None if size is None else int(size)
        self.data_format = as_data_format(type(self).__name__, data_format)

    def build(self, input_shape):
        who = type(self).__name__
        known_channels(who, input_shape, self.data_format)
        has_space = not self.within_channel or len(input_shape) >= 3
        require(has_space, who, "an input with spatial axes to sum over", shape=tuple(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        names = ("depth_radius", "bias", "alpha", "beta", "divide_by_size", "size", "within_channel")
        settings = {name: getattr(self, name) for name in names}
        y = local_response_normalization(to_channels_last(inputs, self.data_format), **settings)
        return from_channels_last(y, self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        if not self.within_channel:
            return super().receptive_field(input_shapes)
        size = 2 * self.depth_radius + 1 if self.size is None else self.size
        _, *spatial, _ = shape_to_channels_last(
            type(self).__name__, input_shapes[0], len(input_shapes[0]) - 2, self.data_format
        )
        return tuple(window_field(n, size, 1, 1, size // 2) for n in spatial)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self):
        names = ("depth_radius", "bias", "alpha", "beta", "divide_by_size", "data_format", "size", "within_channel")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

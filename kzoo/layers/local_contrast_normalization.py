"""Local contrast normalization.

Source: as `kzoo.ops.local_contrast_normalization`.
"""

from collections.abc import Sequence
from typing import Any

import keras

from kzoo.layers.base_layer import BaseLayer
from kzoo.layers.data_format import (
    as_data_format,
    from_channels_last,
    shape_from_channels_last,
    shape_to_channels_last,
    to_channels_last,
)
from kzoo.layers.field import DATA, Fields, whole
from kzoo.ops.backend import spatial_rank
from kzoo.ops.gaussian_pool import as_sigma
from kzoo.ops.local_contrast_normalization import check_padding, local_contrast_normalization, odd_size
from kzoo.ops.views import as_plain, window
from kzoo.types import DataFormat, KnownShape, Shape, Size, Tensor


@keras.saving.register_keras_serializable("kzoo")
class LocalContrastNormalization(BaseLayer):
    """Subtracts the local mean and divides by the local standard deviation, both weighted by a Gaussian window.

    The divisor is at least the image's mean local deviation, so that flat regions are not amplified.
    Shapes: (B, *spatial, C) -> (B, *output, C), or channels first, with 1 to 3 spatial axes.
    Arguments: kernel_size, odd, an integer or one per axis; padding, "same" or "valid"; sigma of the Gaussian window,
    by default a quarter of kernel_size; data_format.

    >>> tuple(LocalContrastNormalization(9, padding="valid")(keras.ops.ones((1, 151, 151, 1))).shape)
    (1, 143, 143, 1)
    """

    def __init__(
        self,
        kernel_size: Size = 9,
        padding: str = "same",
        sigma: float | Sequence[float] | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        who = type(self).__name__
        # an integer fits any rank; the rank is known when the layer is built
        rank = len(kernel_size) if isinstance(kernel_size, (tuple, list)) else 1
        odd_size(who, "kernel_size", kernel_size, rank)
        check_padding(who, padding)
        self.kernel_size, self.padding, self.sigma = as_plain(kernel_size), padding, as_plain(sigma)
        self.data_format = as_data_format(who, data_format)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        y = local_contrast_normalization(x, self.kernel_size, self.padding, self.sigma)
        return from_channels_last(y, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        who = type(self).__name__
        rank = spatial_rank(who, input_shape, "an input (batch, *spatial, channels)")
        batch, *spatial, channels = shape_to_channels_last(who, input_shape, rank, self.data_format)
        size = odd_size(who, "kernel_size", self.kernel_size, rank)
        as_sigma(who, self.sigma, size)
        win = window(who, rank, size, 1, self.padding, 1, ("kernel_size", "strides", "padding", "dilations"))
        win.check(who, spatial)
        return shape_from_channels_last((batch, *win.output(spatial), channels), self.data_format)

    def receptive_field(self, input_shapes: list[Shape]) -> Fields:
        """Returns the whole axis, which is what the sample's mean deviation depends on.

        Where the local deviation exceeds that mean, a position sees the 2 * kernel_size - 1 pixels around it only.
        """
        return whole(input_shapes[0], DATA)

    def flops(self, input_shapes: list[KnownShape], output_shapes: list[KnownShape]) -> int:
        return 0

    def get_config(self):
        names = ("kernel_size", "padding", "sigma", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

"""Convolution with Gabor kernels: a fixed bank, or eight trained parameters per filter.

Source: as `kzoo.ops.gabor_conv`.
"""

import math
from typing import Any

import keras

from kzoo.checks import as_bool
from kzoo.layers.base_conv import BaseFilters
from kzoo.ops.filters import gabor_bank
from kzoo.ops.gabor_conv import gabor_conv
from kzoo.types import Activation, DataFormat, Padding, Size


@keras.saving.register_keras_serializable("kzoo")
class GaborConv2D(BaseFilters):
    """A convolution with Gabor kernels: eight trained parameters per filter instead of free weights.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first. Each filter is applied to the sum of the channels.
    Weights: alpha, beta_x, beta_y, frequency, phase, x0, y0, tau, each (filters,) (see `kzoo.ops.filters.gabor`;
    lengths in pixels, angles in radians), then with `use_bias` a bias. The initial values are those of
    `kzoo.ops.filters.gabor_bank`: several orientations and wavelengths and, without energy, the phases 0 and pi / 2.
    beta_x and beta_y are constrained to be non-negative. `trainable=False` gives a fixed bank.
    Arguments: as `Conv2D`, without groups and the kernel's initializer, regularizer and constraint; use_bias is False
    by default; energy, whether to output sqrt(even^2 + odd^2), which hardly depends on the phase, as complex cells of
    the visual cortex do, instead of the response of simple cells; zero_mean, whether each kernel's mean is subtracted,
    so that a constant input gives 0.

    >>> layer = GaborConv2D(16, 11)
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape), layer.count_params()
    ((1, 22, 22, 16), 128)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: Padding = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        activation: Activation = None,
        use_bias: bool = False,
        energy: bool = False,
        zero_mean: bool = True,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **kwargs
        )
        self.energy = as_bool(type(self).__name__, energy=energy)
        self.zero_mean = as_bool(type(self).__name__, zero_mean=zero_mean)

    def op(self, x):
        geometry = (self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return gabor_conv(x, self.parameters, *geometry, energy=self.energy, zero_mean=self.zero_mean)

    def build_kernel(self, channels, output):
        self.check_fits((*self.kernel_size, channels, self.filters))
        bank = gabor_bank(self.filters, self.kernel_size, self.energy, self.zero_mean)
        self.parameters = [
            # without autocast, as sixteen bits are too few for the argument of a cosine
            self.add_weight(
                name=name,
                shape=(self.filters,),
                initializer=lambda shape, dtype=None, values=values: keras.ops.convert_to_tensor(values, dtype),
                autocast=False,
                # a negative width would make the envelope grow exponentially outwards
                constraint="non_neg" if name.startswith("beta") else None,
            )
            for name, values in bank.items()
        ]

    def products(self, channels: int) -> int:
        return math.prod(self.kernel_size) * self.filters * (1 + self.energy)  # on the sum of the channels

    def get_config(self):
        return {**super().get_config(), "energy": self.energy, "zero_mean": self.zero_mean}

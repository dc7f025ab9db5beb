"""Convolution with Gabor functions: a fixed bank, or eight trained parameters a filter.

Source: as `kzoo.ops.gabor_conv`.
"""

import keras

from kzoo.layers.base_conv import BaseFilters
from kzoo.ops.filters import gabor_bank
from kzoo.ops.gabor_conv import gabor_conv


@keras.saving.register_keras_serializable("kzoo")
class GaborConv2D(BaseFilters):
    """Simple cells of the visual cortex, or with `energy` complex ones.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first; a filter sees the sum of the channels.
    Weights: alpha, beta_x, beta_y, frequency, phase, x0, y0, tau, each (filters,) (see `kzoo.ops.filters.gabor`), then
    with `use_bias` a bias. They start as `kzoo.ops.filters.gabor_bank`: orientations, wavelengths and, without energy,
    phases 0 and pi / 2; beta_x and beta_y are kept from falling below 0. `trainable=False` keeps the bank.
    Arguments: as `Conv2D`, without groups and the kernel's initialiser, regulariser and constraint; use_bias is False;
    energy: sqrt(even^2 + odd^2), which hardly depends on where a wave has its crest; zero_mean: kernels less their
    mean, so that an even surface gives 0. Units: cells and radians.
    Errors: ValueError that names the argument, what is expected and what came. Source: as `kzoo.ops.gabor_conv`.

    >>> layer = GaborConv2D(16, 11)
    >>> tuple(layer(keras.ops.ones((1, 32, 32, 3))).shape), layer.count_params()
    ((1, 22, 22, 16), 128)
    """

    rank = 2

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=False,
        energy=False,
        zero_mean=True,
        **kwargs,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **kwargs
        )
        self.energy = bool(energy)
        self.zero_mean = bool(zero_mean)

    def op(self, x):
        geometry = (self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return gabor_conv(x, self.parameters, *geometry, energy=self.energy, zero_mean=self.zero_mean)

    def build_kernel(self, channels, output):
        bank = gabor_bank(self.filters, self.kernel_size, self.energy, self.zero_mean)
        self.parameters = [
            # without autocast: sixteen bits are too few for the argument of a cosine
            self.add_weight(
                name=name,
                shape=(self.filters,),
                initializer=lambda shape, dtype=None, start=start: keras.ops.convert_to_tensor(start, dtype),
                autocast=False,
                # a width that turned negative would make an exponential that grows outwards
                constraint="non_neg" if name.startswith("beta") else None,
            )
            for name, start in bank.items()
        ]

    def get_config(self):
        return {**super().get_config(), "energy": self.energy, "zero_mean": self.zero_mean}

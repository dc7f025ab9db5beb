"""Convolution with Gabor functions: a fixed bank, or eight trained parameters a filter.

Source: as `kzoo.ops.gabor_conv`.
"""

import math

import keras
import numpy as np

from kzoo.layers.base_conv import BaseFilters
from kzoo.ops.filters import PARAMETERS, gabor
from kzoo.ops.gabor_conv import gabor_conv


@keras.saving.register_keras_serializable("kzoo")
class GaborConv2D(BaseFilters):
    """Simple cells of the visual cortex, or with `energy` complex ones.

    Shapes: (B, H, W, C) -> (B, H', W', filters), or channels first; a filter sees the sum of the channels.
    Weights: alpha, beta_x, beta_y, frequency, phase, x0, y0, tau, each (filters,) (see `kzoo.ops.filters.gabor`), then
    with `use_bias` a bias. They start as `gabor_bank`: orientations, wavelengths and, without energy, phases 0 and
    pi / 2. `trainable=False` keeps that bank.
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
            )
            for name, start in bank.items()
        ]

    def get_config(self):
        return {**super().get_config(), "energy": self.energy, "zero_mean": self.zero_mean}


def gabor_bank(filters, kernel_size, energy=False, zero_mean=True):
    """Start values of `filters` Gabor functions, {parameter: (filters,)}, each of norm 1 over the kernel.

    Units: cells and radians. Wavelengths fall by half octaves from the kernel's half width down to 3 cells, widths are
    0.4 wavelengths; orientations divide half a turn; without energy each comes even and odd.

    >>> bank = gabor_bank(8, (9, 9))
    >>> bank["phase"][:2].round(2), bank["tau"][::2].round(2)
    (array([0.  , 1.57], dtype=float32), array([0.  , 0.79, 1.57, 2.36], dtype=float32))
    """
    half = max(min(kernel_size) - 1, 2) / 2
    lengths = [max(half * 2 ** (-i / 2), 3.0) for i in range(max(int(2 * math.log2(half / 3)) + 1, 1))]
    phases = [0.0] if energy else [0.0, math.pi / 2]
    turns = math.ceil(filters / (len(lengths) * len(phases)))
    grid = [(w, math.pi * t / turns, phase) for w in lengths for t in range(turns) for phase in phases][:filters]
    wavelength, tau, phase = (np.array(column) for column in zip(*grid))
    beta = 1 / (2 * (0.4 * wavelength) ** 2)
    zeros = np.zeros(filters)
    values = (np.ones(filters), beta, beta, 2 * math.pi / wavelength, phase, zeros, zeros, tau)
    norm = np.sqrt(np.sum(np.asarray(gabor(kernel_size, *values, zero_mean=zero_mean)) ** 2, (0, 1)))
    values = (1 / np.where(norm > 1e-6, norm, 1), *values[1:])  # a kernel of one cell less its mean is nothing
    return {name: value.astype("float32") for name, value in zip(PARAMETERS, values)}

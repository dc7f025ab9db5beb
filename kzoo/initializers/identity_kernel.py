"""An initializer with which a deep stack of convolutions starts as the identity.

Source: Yu & Koltun 2016, arXiv:1511.07122, section 3, equations 4 and 5, and the authors' code.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class IdentityKernel(keras.initializers.Initializer):
    """Kernels (*size, channels, filters) whose centre tap copies each of `maps` groups of channels to its filters.

    The weights to each filter sum to 1; all other weights are noise with a standard deviation of stddev * maps /
    filters.
    Arguments: maps, a divisor of both channels and filters; stddev; seed.

    >>> kernel = IdentityKernel(2)((3, 2, 2))
    >>> kernel.numpy()[1]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, maps: int, stddev: float = 0.0, seed: int | None = None):
        require(is_integer(maps, least=1), "IdentityKernel", "maps, an integer above 0", maps=maps)
        good = is_number(stddev) and 0 <= stddev < math.inf
        require(good, "IdentityKernel", "stddev, a number of at least 0", stddev=stddev)
        self.maps, self.stddev = int(maps), float(stddev)
        self.seed = int(seed if seed is not None else keras.initializers.RandomNormal().seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        *size, channels, filters = shape
        fits = channels % self.maps == 0 and filters % self.maps == 0
        require(fits, "IdentityKernel", f"channels and filters divisible by {self.maps}", shape=tuple(shape))
        channel_groups, filter_groups = (np.arange(n) * self.maps // n for n in (channels, filters))
        same_group = channel_groups[:, None] == filter_groups
        kernel = np.random.default_rng(self.seed).normal(size=shape) * self.stddev * self.maps / filters
        centre = tuple(n // 2 for n in size)
        kernel[centre] = np.where(same_group, self.maps / channels, kernel[centre])
        return keras.ops.convert_to_tensor(kernel + 0.0, dtype or keras.config.floatx())

    def get_config(self):
        return {"maps": self.maps, "stddev": self.stddev, "seed": self.seed}

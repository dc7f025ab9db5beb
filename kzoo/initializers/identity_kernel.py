"""An initialiser that makes a convolution hand its maps on: a deep stack of them starts as the identity.

Source: Yu & Koltun 2016, arXiv:1511.07122, section 3, equations 4 and 5, and the authors' code.
"""

import math

import keras
import numpy as np

from kzoo.checks import is_integer, is_number, require


@keras.saving.register_keras_serializable("kzoo")
class IdentityKernel(keras.initializers.Initializer):
    """Kernels (*size, channels, filters) whose middle cell carries each of `maps` groups of channels to its filters.

    channels and filters are multiples of `maps`; the weights to each filter sum to 1, and noise of deviation `stddev`
    times maps / filters falls on all others. Arguments: maps; stddev; seed.
    Errors: ValueError that names the argument, what is expected and what came. Source: this file's head.

    >>> kernel = IdentityKernel(2)((3, 2, 2))
    >>> kernel.numpy()[1]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, maps, stddev=0.0, seed=None):
        require(is_integer(maps, least=1), "IdentityKernel", "maps, an integer above 0", maps=maps)
        good = is_number(stddev) and 0 <= stddev < math.inf
        require(good, "IdentityKernel", "stddev, a number of at least 0", stddev=stddev)
        self.maps, self.stddev = int(maps), float(stddev)
        self.seed = int(seed if seed is not None else keras.initializers.RandomNormal().seed)

    def __call__(self, shape, dtype=None):
        *size, channels, filters = shape
        fits = channels % self.maps == 0 and filters % self.maps == 0
        require(fits, "IdentityKernel", f"channels and filters that {self.maps} divides", shape=tuple(shape))
        of_channel, of_filter = (np.arange(n) * self.maps // n for n in (channels, filters))
        same = of_channel[:, None] == of_filter
        noise = np.random.default_rng(self.seed).normal(size=shape) * self.stddev * self.maps / filters
        middle = tuple(n // 2 for n in size)
        noise[middle] = np.where(same, self.maps / channels, noise[middle])
        return keras.ops.convert_to_tensor(noise + 0.0, dtype or keras.config.floatx())

    def get_config(self):
        return {"maps": self.maps, "stddev": self.stddev, "seed": self.seed}

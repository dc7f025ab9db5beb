"""LeCun's initialiser of the eighties and nineties: weights whose range falls as their number grows.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Backpropagation applied to handwritten zip code
recognition", section 4; LeCun, Bottou, Bengio & Haffner 1998, appendix.
"""

import math

import keras

from kzoo.checks import is_number, require


@keras.saving.register_keras_serializable("kzoo")
class FanInUniform(keras.initializers.Initializer):
    """Uniform from -limit / n to limit / n, for kernels (..., filters) whose filters have n weights each.

    Arguments: limit, a number above 0; seed. Errors: ValueError that names the argument. Source: this file's head.

    >>> kernel = FanInUniform(seed=0)((5, 5, 4, 100))
    >>> bool(keras.ops.max(kernel) < 0.024), bool(keras.ops.max(kernel) > 0.023)
    (True, True)
    """

    def __init__(self, limit=2.4, seed=None):
        require(is_number(limit) and 0 < limit < math.inf, "FanInUniform", "limit, a number above 0", limit=limit)
        self.limit, self.seed = float(limit), seed
        self._random = keras.initializers.RandomUniform(-1.0, 1.0, seed=seed)

    def __call__(self, shape, dtype=None):
        return self._random(shape, dtype) * (self.limit / math.prod(shape[:-1]))

    def get_config(self):
        return {"limit": self.limit, "seed": self.seed}

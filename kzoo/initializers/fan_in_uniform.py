"""LeCun's initializer: uniform weights whose range is inversely proportional to the fan-in.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989, "Backpropagation applied to handwritten zip code
recognition", section 4; LeCun, Bottou, Bengio & Haffner 1998, appendix.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kzoo.checks import is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class FanInUniform(keras.initializers.Initializer):
    """Uniform from -limit / n to limit / n, for kernels (..., filters) with n weights per filter.

    Arguments: limit, a number above 0; seed.

    >>> kernel = FanInUniform(seed=0)((5, 5, 4, 100))
    >>> bool(keras.ops.max(kernel) < 0.024), bool(keras.ops.max(kernel) > 0.023)
    (True, True)
    """

    def __init__(self, limit: float = 2.4, seed: int | None = None):
        require(is_number(limit) and 0 < limit < math.inf, "FanInUniform", "limit, a number above 0", limit=limit)
        self.limit, self.seed = float(limit), seed
        self._random = keras.initializers.RandomUniform(-1.0, 1.0, seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return self._random(shape, dtype) * (self.limit / math.prod(shape[:-1]))

    def get_config(self):
        return {"limit": self.limit, "seed": self.seed}

"""A penalty that drives whole rows of a kernel to zero, so that their inputs can be removed.

Source: Jia, Huang & Darrell 2012, "Beyond spatial pyramids: receptive field learning for pooled image features".
"""

import math

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class RowSparsity(keras.regularizers.Regularizer):
    """rate * (the sum over rows of the largest magnitude in the row), for a kernel (inputs, units).

    Arguments: rate, a number of at least 0.

    >>> float(RowSparsity(0.5)(ops.convert_to_tensor([[1.0, -3.0], [2.0, 0.0]])))
    2.5
    """

    def __init__(self, rate: float = 0.01):
        require(is_number(rate) and 0 <= rate < math.inf, "RowSparsity", "rate, a number of at least 0", rate=rate)
        self.rate = float(rate)

    def __call__(self, x: Tensor) -> Tensor:
        return self.rate * ops.sum(ops.max(ops.absolute(x), -1))

    def get_config(self):
        return {"rate": self.rate}

"""A constraint that scales down filters whose weights are large, so that no filter dominates the others.

Source: Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901, section 3.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class MaxRMS(keras.constraints.Constraint):
    """Scales each filter whose root mean square is above `max_value` to that value; keeps the others.

    Unlike `keras.constraints.MaxNorm`, the limit does not depend on the number of a filter's weights.
    Shapes: kernel (..., filters).
    Arguments: max_value, a number above 0.

    >>> MaxRMS(0.1)(ops.convert_to_tensor([[0.05, 3.0], [0.05, 4.0]])).numpy().round(3)
    array([[0.05 , 0.085],
           [0.05 , 0.113]], dtype=float32)
    """

    def __init__(self, max_value: float = 0.1):
        good = is_number(max_value) and 0 < max_value < math.inf
        require(good, "MaxRMS", "max_value, a number above 0", max_value=max_value)
        self.max_value = float(max_value)

    def __call__(self, kernel: Tensor) -> Tensor:
        axes = tuple(range(len(kernel.shape) - 1))
        rms = ops.sqrt(ops.mean(ops.square(kernel), axes, keepdims=True))
        return kernel * (self.max_value / ops.maximum(rms, self.max_value))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value}

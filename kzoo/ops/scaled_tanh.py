"""LeNet's activation: a hyperbolic tangent scaled so that f(1) is about 1 and f(-1) about -1.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", appendix A.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops.backend import check_floating, tensors
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")  # so that it may be any layer's activation
def scaled_tanh(x: Tensor, amplitude: float = 1.7159, slope: float = 2 / 3) -> Tensor:
    """Returns amplitude * tanh(slope * x), for floating x of any shape.

    >>> scaled_tanh([0.0, 1.0]).numpy().round(3)
    array([0., 1.], dtype=float32)
    """
    (x,) = tensors("scaled_tanh", "ScaledTanh", x)
    check_floating("scaled_tanh", x)
    check_numbers("scaled_tanh", amplitude=amplitude, slope=slope)
    return amplitude * ops.tanh(slope * x)


def check_numbers(who, **values):
    """Raises a ValueError unless all values are finite numbers."""
    for name, value in values.items():
        require(is_number(value) and math.isfinite(value), who, f"{name}, a number", **{name: value})

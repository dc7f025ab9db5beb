"""The capsules' nonlinearity: short vectors shrink to almost 0, long ones to a length just below 1.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, equation 1.
"""

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.xla import island
from kzoo.types import Tensor


def squash(x: Tensor, axis: int = -1) -> Tensor:
    """Returns |x|^2 / (1 + |x|^2) times x / |x|, with value and gradient 0 at 0.

    Shapes: x floating, vectors along `axis`; returns the same shape and dtype, computed in float32 or wider.

    >>> squash([[3.0, 4.0]]).numpy().round(3)  # length 5 becomes 25 / 26
    array([[0.577, 0.769]], dtype=float32)
    """
    (x,) = tensors("squash", "Capsules", x)
    check_floating("squash", x)
    rank = len(x.shape)
    require(is_integer(axis) and -rank <= axis < rank, "squash", "axis, one of x's", axis=axis, shape=tuple(x.shape))
    return _squash(x, axis=int(axis))


@island
def _squash(x, *, axis):
    y = ops.cast(x, sum_dtype(x.dtype))
    # in units of the largest entry, if that is above 1, so that no square overflows; the result is the same
    unit = ops.stop_gradient(ops.maximum(ops.max(ops.absolute(y), axis, keepdims=True, initial=0), 1))
    y = y / unit
    square = ops.sum(y * y, axis, keepdims=True)
    return ops.cast(y * (safe_math.root(square) / (1 / unit / unit + square)), x.dtype)

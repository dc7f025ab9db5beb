"""A trained activation: the hyperbolic tangent of a polynomial, a * tanh(b0 + b1 x + ... + bn x^n).

With n = 1 and b0 = 0 it is the scaled tanh of LeCun et al. (1998). No source is known for higher degrees.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.ops.xla import island
from kzoo.types import Tensor


def polynomial_tanh(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Returns a * tanh(b[0] + b[1] x + ... + b[n] x^n) for each channel.

    Shapes: x (B, ..., C) floating; a () or (C,), b (n + 1,) or (n + 1, C); returns x's shape and dtype; the polynomial
    is computed in float32 or wider.

    >>> polynomial_tanh([[-1.0, 2.0]], 2.0, [0.0, 0.0, 1.0]).numpy().round(3)
    array([[1.523, 1.999]], dtype=float32)
    """
    who = "polynomial_tanh"
    x, a, b = tensors(who, "PolynomialTanh", x, a, b)
    check_floating(who, x)
    require(len(x.shape) >= 2, who, "x (batch, ..., channels)", shape=tuple(x.shape))
    channels = ((), (x.shape[-1],))
    require(tuple(a.shape) in channels, who, "a, () or (channels,)", a=tuple(a.shape), x=tuple(x.shape))
    fits = len(b.shape) > 0 and b.shape[0] > 0 and tuple(b.shape[1:]) in channels
    require(fits, who, "b, (degree + 1,) or (degree + 1, channels)", b=tuple(b.shape), x=tuple(x.shape))
    check_one_dtype(who, "x, a and b", x=x, a=a, b=b)
    return _polynomial_tanh(x, a, b)


@island
def _polynomial_tanh(x, a, b):
    z, a, b = (ops.cast(part, sum_dtype(x.dtype)) for part in (x, a, b))
    total = b[-1]
    for power in range(b.shape[0] - 2, -1, -1):  # Horner's rule
        total = total * z + b[power]
    return ops.cast(ops.broadcast_to(a * ops.tanh(total), ops.shape(x)), x.dtype)

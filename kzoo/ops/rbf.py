"""Euclidean radial basis functions: squared distances from an input to several prototypes.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B,
equation 7; Broomhead & Lowe 1988, "Multivariable functional interpolation and adaptive networks".
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.ops.xla import island
from kzoo.types import Tensor


def rbf(x: Tensor, kernel: Tensor) -> Tensor:
    """Returns minus the sum over j of (x_j - kernel_ji)^2: the nearest prototype has the largest output, at most 0.

    Its exponential is the Gaussian function. Shapes: x (B, ..., C) floating, kernel (C, units), one prototype in each
    column; returns (B, ..., units) in x's dtype. The differences are summed directly, which is accurate near a
    prototype.

    >>> rbf([[1.0, -1.0]], [[1.0, -1.0], [1.0, -1.0]]).numpy()
    array([[-4., -4.]], dtype=float32)
    """
    x, kernel = tensors("rbf", "RBF", x, kernel)
    check_operands("rbf", x, kernel)
    return _rbf(x, kernel)


def check_operands(who, x, kernel):
    """Raises a ValueError for inputs and prototypes of other shapes or dtypes than `rbf` takes."""
    check_floating(who, x)
    fits = len(x.shape) > 1 and len(kernel.shape) == 2 and kernel.shape[0] == x.shape[-1]
    require(fits, who, "x (batch, ..., C) and kernel (C, units)", x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x and kernel", x=x, kernel=kernel)


@island
def _rbf(x, kernel):
    dtype = sum_dtype(x.dtype)
    apart = ops.expand_dims(ops.cast(x, dtype), -1) - ops.cast(kernel, dtype)
    return ops.cast(-ops.sum(ops.square(apart), -2), x.dtype)

"""Global contrast normalization: each example minus its own mean, divided by its norm or standard deviation.

Source: pylearn2, `global_contrast_normalize`; with use_std and sqrt_bias=10, Coates, Lee & Ng 2011, "An analysis of
single-layer networks in unsupervised feature learning".
"""

import math

from keras import ops

from kzoo.checks import as_bool, is_number, require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.sizes import at_least
from kzoo.ops.xla import island
from kzoo.types import Tensor


def global_contrast_normalization(
    x: Tensor, scale: float = 1.0, use_std: bool = False, sqrt_bias: float = 0.0, min_divisor: float = 1e-8
) -> Tensor:
    """Returns (x - mean) / divisor with divisor = sqrt(sqrt_bias + sum of (x - mean)^2) / scale, for each example.

    Shapes: x (B, ...) floating, of rank 2 or more; returns x's shape and dtype, computed in float32 or wider. Mean and
    sum are over all values of an example.
    use_std: whether the sum is divided by the number of values minus 1, so that sqrt_bias 0 gives the standard
    deviation. min_divisor: an example with a smaller divisor is not divided, but its mean is subtracted.

    >>> global_contrast_normalization([[0.0, 2.0]], scale=55.0).numpy().round(2)
    array([[-38.89,  38.89]], dtype=float32)
    """
    who = "global_contrast_normalization"
    (x,) = tensors(who, "GlobalContrastNormalization", x)
    check_floating(who, x)
    require(len(x.shape) >= 2, who, "x (batch, ...) of rank 2 or more", shape=tuple(x.shape))
    return _normalize(x, **as_contrast(who, scale, use_std, sqrt_bias, min_divisor))


def as_contrast(who, scale, use_std, sqrt_bias, min_divisor):
    """Returns the checked settings as keyword arguments."""
    require(is_number(scale) and 0 < scale < math.inf, who, "scale, a number above 0", scale=scale)
    for name, value in (("sqrt_bias", sqrt_bias), ("min_divisor", min_divisor)):
        require(is_number(value) and 0 <= value < math.inf, who, f"{name}, a number of at least 0", **{name: value})
    return {
        "scale": float(scale),
        "use_std": as_bool(who, use_std=use_std),
        "sqrt_bias": float(sqrt_bias),
        "min_divisor": float(min_divisor),
    }


@island
def _normalize(x, *, scale, use_std, sqrt_bias, min_divisor):
    axes = tuple(range(1, len(x.shape)))
    y = ops.cast(x, sum_dtype(x.dtype))
    # Subtracting one value leaves the result as it is, but makes a constant example exactly 0 and not a quotient of
    # rounding errors.
    y = y - ops.stop_gradient(y[(slice(None), *(slice(0, 1),) * len(axes))])
    y = y - ops.mean(y, axes, keepdims=True)
    energy = ops.sum(y * y, axes, keepdims=True)
    if use_std:
        energy = energy / ops.cast(at_least(math.prod(ops.shape(x)[1:]) - 1, 1), energy.dtype)
    divisor = safe_math.root(sqrt_bias + energy) / scale
    # where nothing is divided, also if the divisor is 0 because min_divisor is
    whole = ops.logical_or(divisor < min_divisor, ops.equal(divisor, 0))
    return ops.cast(y / ops.where(whole, 1, divisor), x.dtype)

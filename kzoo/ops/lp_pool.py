"""Lp pooling: the p-norm of each window.

Source: Sermanet, Chintala & LeCun 2012, arXiv:1204.3968 (there with Gaussian weights, here without); Goodfellow, Bengio
& Courville 2016, "Deep Learning", section 9.3 (the L2 norm of a neighbourhood).
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, sum_dtype, tensors
from kzoo.ops.large_windows import fold
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import maximum, written_out
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def lp_pool(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    p: float = 2.0,
    epsilon: float = 0.0,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns (epsilon + sum of |x|^p)^(1/p) over each window; for p = infinity the largest |x|.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype. Strides default
    to ksize. p is at least 1. The gradient is 0 where the norm is 0. Each window is first divided by its largest value,
    so that large p and 16-bit values do not overflow. Zero padding is left out of the norm. ceil_mode:
    as `max_pool_with_argmax`.

    >>> lp_pool([[[3.0], [-4.0], [0.0], [0.0]]], 2)[0, :, 0].numpy()
    array([5., 0.], dtype=float32)
    """
    (x,) = tensors("lp_pool", "LPPooling{}D", x)
    check_floating("lp_pool", x)
    win = pool_window("lp_pool", x, ksize, strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    return _lp_pool(x, win=win, **as_norm("lp_pool", p, epsilon))


def as_norm(who, p, epsilon):
    """Returns the checked p and epsilon as keyword arguments."""
    require(is_number(p) and p >= 1, who, "p, a number of at least 1", p=p)
    good = is_number(epsilon) and 0 <= epsilon < math.inf and (epsilon == 0 or p < math.inf)
    require(good, who, "epsilon, a number of at least 0, and 0 where p is infinite", epsilon=epsilon, p=p)
    return {"p": float(p), "epsilon": float(epsilon)}


@island
def _lp_pool(x, *, win, p, epsilon):
    x, dtype = ops.cast(x, sum_dtype(x.dtype)), x.dtype
    sizes = x * ops.stop_gradient(ops.sign(x))  # |x|, whose gradient at 0 is 0 here and 1 on JAX
    padded, output = win.pad(sizes), win.output(ops.shape(x)[1:-1])
    if not written_out(*win.size):  # the norm of parts is the norm of the parts' norms
        y = fold(lambda parts: norm(parts, p), padded, win, output)
        return ops.cast(y if epsilon == 0 else norm([y], p, epsilon), dtype)
    views = [view for _, view in win.views(padded, output)]
    return ops.cast(norm(views, p, epsilon), dtype)


def norm(sizes, p, epsilon=0.0):
    """Returns (epsilon + sum of the sizes' powers)^(1/p)."""
    top = maximum(sizes)
    if p == math.inf:
        return top
    least = epsilon ** (1 / p)
    scale = ops.stop_gradient(ops.maximum(top, least))  # the norm does not depend on it
    scale = ops.where((scale > 0) & (scale < math.inf), scale, 1)
    total = sum((size / scale) ** p for size in sizes) + (least / scale) ** p
    return scale * safe_math.root(total, p)

"""Lp pooling: the p-norm of each window.

Source: Sermanet, Chintala & LeCun 2012, arXiv:1204.3968 (there with Gaussian weights, here without); Goodfellow,
Bengio & Courville 2016, "Deep Learning", section 9.3 (the L2 norm of a neighbourhood).
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, tensors, wide
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import largest
from kzoo.ops.xla import island


def lp_pool(x, ksize, strides=None, padding="valid", dilations=1, p=2.0, epsilon=0.0):
    """(epsilon + sum of |x|^p)^(1/p) over each window; for p = infinity the largest |x|.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype. Strides default
    to ksize. Units: cells. p at least 1. The gradient is 0 where the norm is; large p and 16-bit values do not
    overflow, as each window is first divided by its largest value. Cells that zeros padding made take no part.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> lp_pool([[[3.0], [-4.0], [0.0], [0.0]]], 2)[0, :, 0].numpy()
    array([5., 0.], dtype=float32)
    """
    (x,) = tensors("lp_pool", "LPPooling{}D", x)
    check_floating("lp_pool", x)
    win = pool_window("lp_pool", x, ksize, strides, padding, dilations)
    return _lp_pool(x, win=win, **as_norm("lp_pool", p, epsilon))


def as_norm(who, p, epsilon):
    """p and epsilon, checked, as numbers."""
    require(is_number(p) and p >= 1, who, "p, a number of at least 1", p=p)
    good = is_number(epsilon) and 0 <= epsilon < math.inf and (epsilon == 0 or p < math.inf)
    require(good, who, "epsilon, a number of at least 0, and 0 where p is infinite", epsilon=epsilon, p=p)
    return {"p": float(p), "epsilon": float(epsilon)}


@island
def _lp_pool(x, *, win, p, epsilon):
    x, dtype = ops.cast(x, wide(x.dtype)), x.dtype
    sizes = x * ops.stop_gradient(ops.sign(x))  # |x|, whose gradient at 0 is 0 here and 1 on JAX
    padded, output = win.pad(sizes), win.output(ops.shape(x)[1:-1])
    views = [view for _, view in win.views(padded, output)]
    top = largest(views)
    if p == math.inf:
        return ops.cast(top, dtype)
    least = epsilon ** (1 / p)
    scale = ops.stop_gradient(ops.maximum(top, least))  # the norm does not depend on it
    scale = ops.where((scale > 0) & (scale < math.inf), scale, 1)
    total = sum((view / scale) ** p for view in views) + (least / scale) ** p
    return ops.cast(scale * safe_math.root(total, p), dtype)

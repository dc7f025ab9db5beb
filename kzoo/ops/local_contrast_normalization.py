"""Local contrast normalization: subtract the neighbourhood's mean, divide by its standard deviation.

Source: Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, "What is the best multi-stage architecture for object recognition?",
section 2.1.
"""

from collections.abc import Sequence

from keras import ops

from kzoo.checks import require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.gaussian_pool import as_sigma, gaussian_weights
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import as_tuple
from kzoo.ops.weighted_pool import window_means
from kzoo.ops.xla import island
from kzoo.types import Size, Tensor


def local_contrast_normalization(
    x: Tensor, ksize: Size = 9, padding: str = "same", sigma: float | Sequence[float] | None = None
) -> Tensor:
    """Returns v / max(c, s): v is x minus its local mean, s the local deviation of v, c the sample's mean of s.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype, computed in
    float32 or wider. Local means are over all channels, with Gaussian weights over a window of odd size; at the borders
    the weights of the existing positions are rescaled to sum to 1. padding: "same" keeps all positions, "valid" those
    whose window lies within x (v is computed everywhere). sigma: a number or one for each axis, by default ksize / 4.
    Where v is 0 all around, the result and its gradient are 0.

    >>> local_contrast_normalization([[[0.0], [0.0], [1.0], [0.0], [0.0]]], 3)[0, :, 0].numpy().round(2)
    array([ 0.  , -0.83,  1.23, -0.83,  0.  ], dtype=float32)
    """
    who = "local_contrast_normalization"
    (x,) = tensors(who, "LocalContrastNormalization", x)
    check_floating(who, x)
    size = odd_size(who, "ksize", ksize, spatial_rank(who, x.shape))
    check_padding(who, padding)
    sigma = as_sigma(who, sigma, size)
    pool_window(who, x, size, 1, padding, 1)  # a check only: "valid" needs room for a whole window
    x = after_checks(x)
    weights = tuple(tuple(vector.tolist()) for vector in gaussian_weights(size, sigma))
    return _normalize(x, weights=weights, same=padding == "same", win=pool_window(who, x, size, 1, "same", 1))


def odd_size(who, name, size, rank):
    """Returns the window's size as a tuple; raises a ValueError unless it is odd on every axis."""
    size = as_tuple(who, name, size, rank)
    require(all(k % 2 for k in size), who, f"{name}, odd on every axis", **{name: size})
    return size


def check_padding(who, padding):
    """Raises a ValueError unless padding is "same" or "valid"."""
    require(padding in ("same", "valid"), who, 'padding, "same" or "valid"', padding=padding)


@island
def _normalize(x, *, weights, same, win):
    y = ops.cast(x, sum_dtype(x.dtype))

    def local_mean(z):
        return window_means(ops.mean(z, -1, keepdims=True), weights, win)

    # Subtracting one value leaves the result as it is, but makes a constant image exactly 0 and not a quotient of
    # rounding errors.
    y = y - ops.stop_gradient(y[(slice(None), *(slice(0, 1),) * (len(x.shape) - 1))])
    v = y - local_mean(y)
    deviation = safe_math.root(local_mean(v * v))
    if not same:
        inner = (slice(None), *(slice(k // 2, n - k // 2) for k, n in zip(win.size, ops.shape(x)[1:-1])))
        v, deviation = v[inner], deviation[inner]
    least = ops.mean(deviation, tuple(range(1, len(x.shape))), keepdims=True)
    return ops.cast(safe_math.divide(v, ops.maximum(deviation, least)), x.dtype)

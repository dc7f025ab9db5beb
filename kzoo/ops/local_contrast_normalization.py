"""Local contrast normalisation: subtract the neighbourhood's mean, divide by its deviation.

Source: Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, "What is the best multi-stage architecture for object
recognition?", section 2.1.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops import safe_math
from kzoo.ops.backend import check_floating, spatial_rank, tensors, wide
from kzoo.ops.gaussian_pool import as_sigma, gaussian_weights
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import as_tuple
from kzoo.ops.weighted_pool import window_means
from kzoo.ops.xla import island


def local_contrast_normalization(x, ksize=9, padding="same", sigma=None):
    """v / max(c, s): v is x less its local mean, s the local deviation of v, c the sample's mean of s.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype; computed in
    float32 or wider. Local means are over all channels, with Gaussian weights over a window of odd size; at the
    borders the weights of the cells that exist make up the whole. padding: "same" keeps all cells, "valid" those
    whose window lies within x (v is taken at all). Units: cells; sigma, a number or one an axis, by default ksize / 4.
    Where v is 0 all around, the result and its gradient are 0.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> local_contrast_normalization([[[0.0], [0.0], [1.0], [0.0], [0.0]]], 3)[0, :, 0].numpy().round(2)
    array([ 0.  , -0.83,  1.23, -0.83,  0.  ], dtype=float32)
    """
    who = "local_contrast_normalization"
    (x,) = tensors(who, "LocalContrastNormalization", x)
    check_floating(who, x)
    size = odd_size(who, "ksize", ksize, spatial_rank(who, x.shape))
    check_padding(who, padding)
    sigma = as_sigma(who, sigma, size)
    pool_window(who, x, size, 1, padding, 1)  # for "valid" a whole window must fit, although all cells get a mean
    weights = tuple(tuple(vector.tolist()) for vector in gaussian_weights(size, sigma))
    return _normalize(x, weights=weights, same=padding == "same", win=pool_window(who, x, size, 1, "same", 1))


def odd_size(who, name, size, rank):
    """A window with a cell in the middle."""
    size = as_tuple(who, name, size, rank)
    require(all(k % 2 for k in size), who, f"{name}, odd on every axis", **{name: size})
    return size


def check_padding(who, padding):
    """Refuse what is neither of the two."""
    require(padding in ("same", "valid"), who, 'padding, "same" or "valid"', padding=padding)


@island
def _normalize(x, *, weights, same, win):
    y = ops.cast(x, wide(x.dtype))

    def local_mean(z):
        return window_means(ops.mean(z, -1, keepdims=True), weights, win)

    # The result does not depend on any one value taken from all; so an image of one value, in all channels the same, is
    # exactly 0, not rounding / rounding.
    y = y - ops.stop_gradient(y[(slice(None), *(slice(0, 1),) * (len(x.shape) - 1))])
    v = y - local_mean(y)
    deviation = safe_math.root(local_mean(v * v))
    if not same:
        inner = (slice(None), *(slice(k // 2, n - k // 2) for k, n in zip(win.size, ops.shape(x)[1:-1])))
        v, deviation = v[inner], deviation[inner]
    least = ops.mean(deviation, tuple(range(1, len(x.shape))), keepdims=True)
    return ops.cast(safe_math.divide(v, ops.maximum(deviation, least)), x.dtype)

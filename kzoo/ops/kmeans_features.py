"""K-means features: distances from an image's normalized and whitened patches to the centroids of a dictionary.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", sections 3.1 to
3.3, and the authors' demonstration code.
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops import safe_math
from kzoo.ops.argmax_indices import argmax_mask
from kzoo.ops.backend import check_floating, spatial_rank, sum_dtype, tensors
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import as_tuple, window
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor

ENCODINGS = ("triangle", "hard")


def kmeans_features(
    x: Tensor,
    mean: Tensor,
    whitening: Tensor,
    centroids: Tensor,
    ksize: Size,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
    epsilon: float = 10.0,
    encoding: str = "triangle",
) -> Tensor:
    """Returns max(0, mean(z) - z_k) of each patch, z_k its distance to centroid k; or a one-hot vector of the nearest.

    A patch p of D = taps * C values is first normalized, p' = (p - mean(p)) / sqrt(var(p) + epsilon), and whitened, (p'
    - mean) @ whitening.
    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; mean (D,), whitening (D, D), centroids (K, D), a
    patch's values in the order of taps and then channels; returns (B, *output, K) in x's dtype, computed in float32 or
    wider. epsilon above 0, in squared units of x; encoding "triangle" or "hard" (one-hot).

    >>> x = [[[0.0], [4.0], [0.0]]]
    >>> kmeans_features(x, [0.0] * 2, [[1.0, 0.0], [0.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]], 2).numpy().round(1)
    array([[[0.8, 0. ],
            [0. , 0.8]]], dtype=float32)
    """
    who = "kmeans_features"
    x, mean, whitening, centroids = tensors(who, "KMeansFeatures2D", x, mean, whitening, centroids)
    check_floating(who, x)
    rank = spatial_rank(who, x.shape)
    size = as_tuple(who, "ksize", ksize, rank)
    require(x.shape[-1] is not None, who, "a known number of channels", shape=tuple(x.shape))
    depth = math.prod(size) * x.shape[-1]
    for name, value, wanted in (("mean", mean, (depth,)), ("whitening", whitening, (depth, depth))):
        shape = tuple(value.shape)
        require(shape == wanted, who, f"{name} {wanted}, for ksize and channels", **{name: shape})
    fits = len(centroids.shape) == 2 and centroids.shape[0] > 0 and centroids.shape[1] == depth
    require(fits, who, f"centroids (clusters, {depth})", centroids=tuple(centroids.shape))
    win = window(who, rank, size, strides, padding, dilations)
    win.check(who, sizes_of(x))
    x = after_checks(x)
    return _kmeans_features(x, mean, whitening, centroids, win=win, **as_coding(who, epsilon, encoding))


def as_coding(who, epsilon, encoding):
    """Returns the checked epsilon and encoding as keyword arguments."""
    good = is_number(epsilon) and 0 < epsilon < math.inf
    require(good, who, "epsilon, a number above 0", epsilon=epsilon)
    require(encoding in ENCODINGS, who, f"encoding, one of {ENCODINGS}", encoding=encoding)
    return {"epsilon": float(epsilon), "encoding": encoding}


@island
def _kmeans_features(x, mean, whitening, centroids, *, win, epsilon, encoding):
    dtype = x.dtype
    x, mean, whitening, centroids = (ops.cast(part, sum_dtype(dtype)) for part in (x, mean, whitening, centroids))
    views = [view for _, view in win.views(win.pad(x), win.output(ops.shape(x)[1:-1]))]
    y = ops.concatenate(views, -1)
    # subtracting one value leaves the result as it is, but makes a constant patch exactly 0 and not a rounding error
    y = y - ops.stop_gradient(y[..., :1])
    y = y - ops.mean(y, -1, keepdims=True)
    y = y * ops.rsqrt(ops.mean(y * y, -1, keepdims=True) + epsilon)
    y = ops.matmul(y - mean, whitening)
    squares = ops.sum(y * y, -1, keepdims=True) + ops.sum(centroids**2, -1)
    squares = squares - 2 * ops.matmul(y, ops.transpose(centroids))
    if encoding == "hard":
        return ops.cast(argmax_mask(-squares), dtype)
    distances = safe_math.root(ops.relu(squares))
    return ops.cast(ops.relu(ops.mean(distances, -1, keepdims=True) - distances), dtype)

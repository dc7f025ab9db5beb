"""How far the patches of an image lie from the centroids of a dictionary, evened and whitened first.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", sections 3.1
to 3.3, and the authors' demonstration code.
"""

import math

from keras import ops

from kzoo.checks import is_number, require
from kzoo.ops import safe_math
from kzoo.ops.argmax_indices import first_largest
from kzoo.ops.backend import check_floating, spatial_rank, tensors, wide
from kzoo.ops.views import as_tuple, window
from kzoo.ops.xla import island

ENCODINGS = ("triangle", "hard")


def kmeans_features(
    x, mean, whitening, centroids, ksize, strides=1, padding="valid", dilations=1, epsilon=10.0, encoding="triangle"
):
    """max(0, mean of all z - z_k) of each patch, where z_k is its distance to centroid k; or 1 at the nearest alone.

    A patch of D = cells * C values p is first evened, p' = (p - mean(p)) / sqrt(var(p) + epsilon), and whitened,
    (p' - mean) @ whitening.
    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; mean (D,), whitening (D, D), centroids (K, D), the
    values of a patch in the order of its cells and within a cell of its channels; returns (B, *output, K) in x's dtype;
    computed in float32 or wider. epsilon above 0, in the square of x's unit; encoding "triangle" or "hard".
    Errors: ValueError that names the argument, what is expected and what came.

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
    win.check(who, x.shape[1:-1])
    return _kmeans_features(x, mean, whitening, centroids, win=win, **as_coding(who, epsilon, encoding))


def as_coding(who, epsilon, encoding):
    """epsilon and encoding, checked."""
    good = is_number(epsilon) and 0 < epsilon < math.inf
    require(good, who, "epsilon, a number above 0", epsilon=epsilon)
    require(encoding in ENCODINGS, who, f"encoding, one of {ENCODINGS}", encoding=encoding)
    return {"epsilon": float(epsilon), "encoding": encoding}


@island
def _kmeans_features(x, mean, whitening, centroids, *, win, epsilon, encoding):
    dtype = x.dtype
    x, mean, whitening, centroids = (ops.cast(part, wide(dtype)) for part in (x, mean, whitening, centroids))
    views = [view for _, view in win.views(win.pad(x), win.output(ops.shape(x)[1:-1]))]
    y = ops.concatenate(views, -1)
    # the result does not depend on any one value taken from all; so an even patch is exactly 0, not some rounding
    y = y - ops.stop_gradient(y[..., :1])
    y = y - ops.mean(y, -1, keepdims=True)
    y = y * ops.rsqrt(ops.mean(y * y, -1, keepdims=True) + epsilon)
    y = ops.matmul(y - mean, whitening)
    squares = ops.sum(y * y, -1, keepdims=True) + ops.sum(centroids**2, -1)
    squares = squares - 2 * ops.matmul(y, ops.transpose(centroids))
    if encoding == "hard":
        return ops.cast(first_largest(-squares), dtype)
    distances = safe_math.root(ops.relu(squares))
    return ops.cast(ops.relu(ops.mean(distances, -1, keepdims=True) - distances), dtype)

"""Gaussian pooling: an average weighted by the distance from the window's centre.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3.
"""

import math

import numpy as np

from kzoo.checks import is_number, require
from kzoo.ops.backend import spatial_rank, tensors
from kzoo.ops.views import as_tuple
from kzoo.ops.weighted_pool import mean_of_windows


def gaussian_pool(x, ksize, strides=None, padding="valid", dilations=1, sigma=None):
    """The mean of each window with weights exp(-distance^2 / (2 sigma^2)).

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype.
    Units: ksize, strides, padding, dilations in cells; sigma, a number or one an axis, in steps of the window, by
    default a quarter of ksize, so that the window spans two sigma on either side. Strides default to ksize.
    Cells that zeros padding made take no part. Errors: as `weighted_pool`, and for a sigma that is not above 0.

    >>> gaussian_pool([[[0.0], [1.0], [0.0]]], 3)[0, :, 0].numpy().round(3)
    array([0.549], dtype=float32)
    """
    (x,) = tensors("gaussian_pool", "GaussianPooling{}D", x)
    rank = spatial_rank("gaussian_pool", x.shape)
    size = as_tuple("gaussian_pool", "ksize", ksize, rank)
    weights = gaussian_weights(size, as_sigma("gaussian_pool", sigma, size))
    return mean_of_windows("gaussian_pool", x, weights, strides, padding, dilations)


def as_sigma(who, sigma, size):
    """A number above 0, or one an axis, as a tuple; None is a quarter of the size."""
    if sigma is None:
        return tuple(k / 4 for k in size)
    values = sigma if isinstance(sigma, (tuple, list)) else (sigma,) * len(size)
    good = len(values) == len(size) and all(is_number(v) and 0 < v < math.inf for v in values)
    require(good, who, f"sigma, a number above 0 or {len(size)} of them", sigma=sigma)
    return tuple(map(float, values))


def gaussian_weights(size, sigma):
    """One vector an axis, each with the sum 1."""
    vectors = []
    for k, s in zip(size, sigma):
        distance = np.arange(k) - (k - 1) / 2
        farther = distance**2 - np.min(distance**2)  # so that not all are 0, however small sigma is
        vector = np.exp(-0.5 * farther / max(s * s, 1e-300))
        vectors.append(vector / vector.sum())
    return vectors

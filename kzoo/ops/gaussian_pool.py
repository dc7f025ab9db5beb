"""Gaussian pooling: an average weighted by the distance from the window's centre.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3.
"""

import math
from collections.abc import Sequence

import numpy as np

from kzoo.checks import is_number, require
from kzoo.ops.backend import spatial_rank, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import as_tuple
from kzoo.ops.weighted_pool import mean_of_windows
from kzoo.types import Padding, Size, Tensor


def gaussian_pool(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    sigma: float | Sequence[float] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns the mean of each window with weights exp(-distance^2 / (2 sigma^2)).

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype. Strides default
    to ksize. sigma: a number or one for each axis, in steps of the window, by default a quarter of ksize, so that the
    window spans two sigma on either side. Zero padding is left out of the mean. ceil_mode: as
    `max_pool_with_argmax`.

    >>> gaussian_pool([[[0.0], [1.0], [0.0]]], 3)[0, :, 0].numpy().round(3)
    array([0.549], dtype=float32)
    """
    (x,) = tensors("gaussian_pool", "GaussianPooling{}D", x)
    rank = spatial_rank("gaussian_pool", x.shape)
    size = as_tuple("gaussian_pool", "ksize", ksize, rank)
    geometry = strides, padding, dilations, ceil_mode
    pool_window("gaussian_pool", x, size, *geometry)  # a check before so many weights are computed
    weights = gaussian_weights(size, as_sigma("gaussian_pool", sigma, size))
    return mean_of_windows("gaussian_pool", x, weights, *geometry)


def as_sigma(who, sigma, size):
    """Returns sigma (a number above 0, or one for each axis) as a tuple; None is a quarter of the size."""
    if sigma is None:
        return tuple(k / 4 for k in size)
    values = sigma if isinstance(sigma, (tuple, list)) else (sigma,) * len(size)
    good = len(values) == len(size) and all(is_number(v) and 0 < v < math.inf for v in values)
    require(good, who, f"sigma, a number above 0 or {len(size)} of them", sigma=sigma)
    return tuple(map(float, values))


def gaussian_weights(size, sigma):
    """Returns one vector for each axis, each with the sum 1."""
    vectors = []
    for k, s in zip(size, sigma):
        distance = np.arange(k) - (k - 1) / 2
        farther = distance**2 - np.min(distance**2)  # keeps the largest weight 1, however small sigma is
        vector = np.exp(-0.5 * farther / max(s * s, 1e-300))
        vectors.append(vector / vector.sum())
    return vectors

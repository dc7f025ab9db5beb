"""Blur pooling: a binomial low-pass filter before each stride, so that the output changes little under small shifts.

Source: Zhang 2019, "Making convolutional networks shift-invariant again", arXiv:1904.11486.
"""

import math

from kzoo.ops.backend import spatial_rank, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import as_tuple
from kzoo.ops.weighted_pool import mean_of_windows
from kzoo.types import Padding, Size, Tensor


def blur_pool(
    x: Tensor,
    ksize: Size = 3,
    strides: Size = 2,
    padding: Padding | None = None,
    dilations: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns the mean of each window with binomial weights: 1 2 1, 1 3 3 1, 1 4 6 4 1, ... on each axis.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes; returns (B, *output, C) in x's dtype.
    padding: None is the paper's, by reflection, ksize - 1 in all, the odd one after; otherwise as `conv`. ceil_mode: as
    `max_pool_with_argmax`, but not with the paper's padding. Max blur pooling is this op after
    `keras.layers.MaxPooling2D(2, 1)`.

    >>> blur_pool([[[0.0], [4.0], [0.0], [0.0]]])[0, :, 0].numpy()
    array([2., 1.], dtype=float32)
    """
    (x,) = tensors("blur_pool", "BlurPooling2D", x)
    size = as_tuple("blur_pool", "ksize", ksize, spatial_rank("blur_pool", x.shape))
    if padding is None:
        padding = blur_padding(size, as_tuple("blur_pool", "dilations", dilations, len(size)))
    geometry = strides, padding, dilations, ceil_mode
    pool_window("blur_pool", x, size, *geometry)  # a check before so many weights are computed
    return mean_of_windows("blur_pool", x, binomial_weights(size), *geometry)


def blur_padding(size, dilations):
    """Returns the paper's padding for this window."""
    return "reflect", tuple(((k - 1) * d // 2, (k - 1) * d - (k - 1) * d // 2) for k, d in zip(size, dilations))


def binomial_weights(size):
    """Returns one vector for each axis, each with the sum 1."""
    return [[math.comb(k - 1, o) / 2 ** (k - 1) for o in range(k)] for k in size]

"""Lp pooling across channels: the norm of a subspace of features, or of neighbours on a topographic map.

Source: Hyvarinen & Hoyer 2000 (independent subspace analysis); Hyvarinen, Hoyer & Inki 2001 (topographic ICA); Le et
al. 2010, "Tiled convolutional neural networks", section 3.
"""

import math
from collections.abc import Sequence

from keras import ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import check_floating, tensors
from kzoo.ops.lp_pool import as_norm, lp_pool
from kzoo.ops.pool_window import check_pool
from kzoo.ops.views import window
from kzoo.types import Padding, Size, Tensor


def channel_lp_pool(
    x: Tensor,
    ksize: Size,
    strides: Size | None = None,
    padding: Padding = "valid",
    grid: Sequence[int] | None = None,
    p: float = 2.0,
    epsilon: float = 0.0,
) -> Tensor:
    """Returns `lp_pool` over the channels, laid out on a grid.

    Shapes: x (B, ..., C) floating; returns (B, ..., C') in x's dtype, where C' is the size of the pooled grid, in
    row-major order. grid: 1 to 3 sizes whose product is C, by default (C,). With the default a ksize of n pools
    subspaces of n neighbouring channels. A topographic map has grid=(rows, columns), strides=1 and padding="circular":
    neighbourhoods overlap and the map is a torus. Window and strides count channels. ValueError also if subspaces side
    by side would leave channels over.

    >>> channel_lp_pool([[3.0, 4.0, 0.0, 1.0]], 2).numpy()
    array([[5., 1.]], dtype=float32)
    """
    who = "channel_lp_pool"
    (x,) = tensors(who, "ChannelLPPooling", x)
    require(len(x.shape) >= 2, who, "x (batch, ..., channels)", shape=tuple(x.shape))
    check_floating(who, x)
    norm, shape = as_norm(who, p, epsilon), ops.shape(x)[:-1]
    grid, win = grid_window(who, x.shape[-1], grid, ksize, strides, padding)
    x_grid = ops.reshape(x, (-1, *grid, 1))
    y = lp_pool(x_grid, win.size, win.strides, padding, **norm)
    return ops.reshape(y, (*shape, math.prod(win.output(grid))))


def grid_window(who, channels, grid, ksize, strides, padding, names=("ksize", "strides", "padding", "dilations")):
    """Returns the grid as a tuple, and the checked window over it."""
    require(channels is not None, who, "a known number of channels", channels=channels)
    grid = (channels,) if grid is None else as_grid(who, grid)
    require(
        math.prod(grid) == channels, who, "a grid whose sizes multiply to the channels", grid=grid, channels=channels
    )
    win = window(who, len(grid), ksize, ksize if strides is None else strides, padding, 1, names)
    check_pool(who, win, grid)
    for n, k, s, pads in zip(grid, win.size, win.strides, win.pads):
        whole = pads != (0, 0) or s != k or n % k == 0
        expected = f"{names[0]} that divides the channels, as subspaces side by side do"
        require(whole, who, expected, **{names[0]: k}, channels=n)
    return grid, win


def as_grid(who, grid):
    """Returns a grid of 1 to 3 integers as a tuple."""
    good = isinstance(grid, (tuple, list)) and 1 <= len(grid) <= 3 and all(is_integer(n, least=1) for n in grid)
    require(good, who, "grid, 1 to 3 integers above 0", grid=grid)
    return tuple(map(int, grid))

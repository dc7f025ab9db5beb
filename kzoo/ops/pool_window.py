"""The window of a pooling op: a sliding window that always holds at least one element of the input."""

import functools

import numpy as np
from keras import ops

from kzoo.ops.backend import spatial_rank
from kzoo.ops.sizes import require_size, sizes_of
from kzoo.ops.views import ARGUMENTS, same_pair, window

__all__ = ()  # for other ops only


def pool_window(who, x, ksize, strides, padding, dilations, ceil_mode=False):
    """Returns the checked window of a pool over x; strides default to ksize."""
    rank = spatial_rank(who, x.shape)
    strides = ksize if strides is None else strides
    win = window(who, rank, ksize, strides, padding, dilations, ARGUMENTS, ceil_mode)
    check_pool(who, win, sizes_of(x))
    return win


def check_pool(who, win, spatial):
    """Raises a ValueError if no window fits into an input of this size, or if one holds nothing but padding."""
    win.check(who, spatial)
    if win.mode != "zeros":
        return
    for axis, (n, count, k, s, d, pads) in enumerate(zip(spatial, win.output(spatial), *win[:4])):
        if n is None or pads == (0, 0) or (pads is None and d == 1):  # every window then meets the input
            continue
        pair = pads or same_pair(n, k, s, d)
        known = isinstance(n, int)
        meets = _known_meet(n, count, k, s, d, pair[0]) if known else _meet(ops, n, count, k, s, d, pair[0])
        expected = f"windows that each meet the input on spatial axis {axis}"
        require_size(meets, who, expected, **{win.name: k}, dilation=d, stride=s, input=n, padding=pair)


def _meet(on, n, count, k, s, d, before):
    """Returns whether each window meets the input, computed by `on`: NumPy, or `keras.ops` for a tensor n."""
    starts = on.arange(count) * s - before
    firsts = on.maximum(-(starts // d), 0)  # each window's first tap that is not before the input
    return on.all((firsts < k) & (starts + firsts * d < n))


_known_meet = functools.lru_cache(functools.partial(_meet, np))

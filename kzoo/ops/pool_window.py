"""The window of a pool: a sliding window that each time meets at least one cell of the sample.

Source: none.
"""

from kzoo.checks import require
from kzoo.ops.backend import spatial_rank
from kzoo.ops.views import same_pair, window


def pool_window(who, x, ksize, strides, padding, dilations):
    """The checked window of a pool over x, every window of it touching the sample; strides default to ksize."""
    rank = spatial_rank(who, x.shape)
    win = window(who, rank, ksize, ksize if strides is None else strides, padding, dilations)
    check_pool(who, win, x.shape[1:-1])
    return win


def check_pool(who, win, spatial):
    """Refuse a size in which no window fits, or a window would see nothing but padding."""
    win.check(who, spatial)
    if win.mode != "zeros":
        return
    for axis, (n, k, s, d, pads) in enumerate(zip(spatial, *win[:4])):
        if n is None or pads == (0, 0) or (pads is None and d == 1):  # there a window always meets the input
            continue
        pair = pads or same_pair(n, k, s, d)
        starts = range(-pair[0], n + pair[1] - (k - 1) * d, s)
        blind = [p for p in starts if all(not 0 <= p + o * d < n for o in range(k))]
        expected = f"windows that each meet the input on spatial axis {axis}"
        require(not blind, who, expected, **{win.name: k}, dilation=d, stride=s, input=n, padding=pair)

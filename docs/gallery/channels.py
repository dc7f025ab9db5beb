"""Pooling across channels.

Several filters that look for variants of one feature become one map.
"""

import numpy as np

from docs.gallery.images import grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import ORANGE, bars, boxes, curves, image, points, tiles
from kzoo import layers


@page("Maxout")
def maxout():
    """The responses of Gabor filters of eight orientations to a photograph, and the largest response at each position.

    The eight maps become one map of edges of all orientations. Below, straight lines and their maximum at each point:
    with enough pieces, any convex curve.
    """
    photo = grey(temple())
    maps = layers.GaborConv2D(8, 9, energy=True, padding="reflect")(photo)
    x = np.linspace(-1, 1, 61)[:, None]
    two = x * [-1, 1]
    five = x * [-2, -1, 0, 1, 2] - [1, 0.25, 0, 0.25, 1]
    largest = layers.Maxout(1)
    return [
        [
            image(photo, "photograph"),
            tiles(np.moveaxis(maps[0], -1, 0), "maps of 8 orientations", 4),
            image(largest(maps), "largest of the 8"),
        ],
        [
            curves("2 lines and their slopes", dict(zip(("-1", "1"), two.T)), x, 1, ylim=(-1.1, 1.1)),
            curves("largest: |x|", {"largest": largest(two)}, x, 1, ylim=(-1.1, 1.1)),
            curves("5 lines and their slopes", dict(zip(("-2", "-1", "0", "1", "2"), five.T)), x, 1, ylim=(-1.1, 1.1)),
            curves("largest: nearly x * x", {"largest": largest(five)}, x, 1, ylim=(-1.1, 1.1)),
        ],
    ]


@page("ChannelLPPooling")
def channel_lp_pooling():
    """The responses of an even and an odd Gabor filter to a photograph, and the norm of the pair.

    Along the marked pixels each filter oscillates around zero, while their norm is one large hump at the building's
    edge. The bars show the norms of such pairs in eight orientations at the dot, and the norms of each three neighbours
    on the ring of these, where the last is adjacent to the first: similar orientations have similar responses.
    """
    photo = grey(temple())
    maps = layers.GaborConv2D(16, 9, padding="reflect")(photo)
    pairs = layers.ChannelLPPooling(2)(maps)
    ring = layers.ChannelLPPooling(3, strides=1, padding="circular", grid=(8,))(pairs)
    i, j = 64, 55
    along = {"even": maps[0, i, 40:72, 0], "odd": maps[0, i, 40:72, 1], "norm": pairs[0, i, 40:72, 0]}

    def marked(axes):
        boxes((i, 40, i + 1, 72))(axes)
        points(i, j, ORANGE, 16)(axes)

    return [
        [
            image(photo, "photograph", overlay=marked),
            image(maps[..., 0], "even"),
            image(maps[..., 1], "odd"),
            image(pairs[..., 0], "norm of the pair"),
        ],
        [
            curves("along the marked pixels", along, np.arange(40, 72), 1.6),
            bars("pairs, at the dot", pairs[0, i, j], ratio=1),
            bars("norms of three neighbours", ring[0, i, j], ratio=1),
        ],
    ]

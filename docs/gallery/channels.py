"""Pooling across channels.

Maps become fewer, where several filters look for variants of one thing.

Source: none.
"""

import numpy as np

from docs.gallery.images import grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import ORANGE, bars, boxes, curves, image, points, tiles
from kzoo import layers


@page("Maxout")
def maxout():
    """How strongly Gabor filters of eight orientations answer to a photograph, and the largest answer at each cell.

    The eight maps become one, of edges whichever way they run. Below, straight lines and the largest of them at each
    place: with enough pieces, any convex curve.
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
    """Answers of an even and an odd Gabor filter to a photograph, and the norm of the pair.

    Along the marked cells each filter swings about zero, while their norm is one large hump at the building's edge. At
    the dot, the norms of such pairs in eight orientations, and those of each three neighbours on the ring of these,
    where the last is next to the first: similar orientations give similar answers.
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
            curves("along the marked cells", along, np.arange(40, 72), 1.6),
            bars("pairs, at the dot", pairs[0, i, j], ratio=1),
            bars("norms of three neighbours", ring[0, i, j], ratio=1),
        ],
    ]

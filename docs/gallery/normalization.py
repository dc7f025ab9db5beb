"""Normalization.

Values are brought to one scale: over the batch, over an image, over a group of channels, or over a neighbourhood.
"""

import keras
import numpy as np

from docs.gallery.images import flower, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import bars, boxes, curves, image, points, tiles
from kzoo import layers, ops


@page("BatchNormalization")
def batch_normalization():
    """Three photographs, one of them dark: a column for each, with its red, green and blue channels from top to bottom.

    Blue squares are the numbers that change when one number of the upper left map does: they share a mean and a
    deviation, and are one channel of all images. Afterwards the colours are on one scale, below with their histograms
    over the batch, but the dark image is still darker than the others. The layer is in training mode; at inference it
    uses moving averages instead.
    """
    x = np.concatenate([flower(48), temple(48), temple(48) / 4])
    layer = layers.BatchNormalization()
    y = layer(x, training=True)
    small = x[:, ::8, ::8].copy()
    before = layer(small, training=True)
    small[0, 2, 2, 0] += 1
    shared = np.abs(layer(small, training=True) - before) > 1e-5

    def maps(z):
        return np.reshape(np.moveaxis(z, -1, 0), (9, *z.shape[1:3]))

    def histogram(z, bins):
        return {colour: np.histogram(z[..., c], bins)[0] for c, colour in ((0, "red"), (2, "blue"), (1, "green"))}

    bins, centres = np.linspace(-2, 3, 41), np.linspace(-1.95, 2.95, 40)
    return [
        [
            tiles(maps(x), "red, green, blue", limit=1),
            tiles(maps(np.where(shared, 0.7, -0.1)), "these share a mean", limit=1),
            tiles(maps(y), "normalised", limit=3),
        ],
        [
            curves("values before", histogram(x, bins), centres, ratio=2, yticks=()),
            curves("values afterwards", histogram(y, bins), centres, ratio=2, yticks=()),
        ],
    ]


@page(
    "LayerNormalization",
    "Subtracts the mean of each image, or of each position, and divides by its standard deviation.",
    'Ba, Kiros & Hinton 2016, "Layer normalization", arXiv:1607.06450.',
)
def layer_normalization():
    """Three photographs, one of them dark: a column for each, with its red, green and blue channels from top to bottom.

    Blue squares share a mean: a whole image if the axes are all but the batch, a single position with Keras's default,
    the last axis. In both cases the output does not depend on the rest of the batch, and the dark image becomes equal
    to the bright one; the last axis also removes the light and shade within an image.
    """
    x = np.concatenate([flower(48), temple(48), temple(48) / 4])
    panels = []

    def maps(z):
        return np.reshape(np.moveaxis(z, -1, 0), (9, *z.shape[1:3]))

    for axis in ((1, 2, 3), -1):
        y = keras.layers.LayerNormalization(axis, epsilon=1e-6)(x)
        layer, small = keras.layers.LayerNormalization(axis), x[:, ::8, ::8].copy()
        before = layer(small)
        small[0, 2, 2, 0] += 1
        shared = np.abs(layer(small) - before) > 1e-5
        panels += [
            tiles(maps(np.where(shared, 0.7, -0.1)), f"axis {axis} share a mean", limit=1),
            tiles(maps(y), "normalised", limit=3),
        ]
    return [[tiles(maps(x), "red, green, blue", limit=1), *panels]]


@page(
    "GroupNormalization",
    "Subtracts the mean of each group of an image's channels, and divides by its standard deviation.",
    'Wu & He 2018, "Group normalization", arXiv:1803.08494.',
)
def group_normalization():
    """Three photographs, one of them dark, as four maps: two of edges, and two stronger ones, the red and the blue
    channel.

    With two groups the blue squares share a mean: here the edges of one image. With one group, which is layer
    normalization, the edges stay pale compared with the colours. With two both are visible, and the relative strength
    of the edges is kept. With four each map is normalized separately, which is instance normalization. The dark image
    always becomes equal to the bright one.
    """
    photographs = np.concatenate([flower(48), temple(48), temple(48) / 4])
    edges = ops.conv(grey(photographs), ops.filters.sobel(), padding="reflect") / 8
    x = np.concatenate([edges, photographs[..., ::2]], -1)
    small = x[:, ::8, ::8].copy()
    layer = keras.layers.GroupNormalization(2)
    before = layer(small)
    small[0, 2, 2, 0] += 1
    shared = np.abs(layer(small) - before) > 1e-5

    def maps(z, *settings):
        return tiles(np.reshape(np.moveaxis(z, -1, 0), (12, *z.shape[1:3])), *settings)

    made = [keras.layers.GroupNormalization(groups, epsilon=1e-6)(x) for groups in (1, 2, 4)]
    return [
        [
            maps(x, "edges and colours", 3, 1),
            maps(np.where(shared, 0.7, -0.1), "groups=2 share a mean", 3, 1),
            *(maps(y, f"groups={groups}", 3, 3) for groups, y in zip((1, 2, 4), made)),
        ]
    ]


@page(
    "UnitNormalization",
    "Divides the vector of the channels at each position by its length.",
)
def unit_normalization():
    """A photograph whose right half is in the shade: its colours are multiplied by 0.25.

    The layer divides the three colours of each position by the length of that vector. The hue is kept and the
    brightness removed, and with it the shade. The lengths were large and small; now all are 1.
    """
    x = flower().copy()
    x[:, :, 48:] /= 4
    y = keras.layers.UnitNormalization()(x)
    lengths = [np.linalg.norm(z, axis=-1) for z in (x, y)]
    return [
        [
            image(x, "half in the shade"),
            image(lengths[0], "lengths", limit=1.7),
            image(y, "normalised"),
            image(lengths[1], "lengths afterwards", limit=1.7),
        ],
    ]


@page("LocalResponseNormalization")
def local_response_normalization():
    """Twelve orientations of edges in a photograph as channels; the bars are those of the position with the dot.

    A channel is divided by a power of 1 plus five times the energy of itself and its four neighbours. At the dot
    channel 8, in red, and those around it are strong and inhibit each other; 2 and 3, weak but among weak ones, keep
    most of their value. The last maps are output over input: white where all is kept, and dark along the strong edges.
    """
    photograph = grey(temple(64))
    x = layers.GaborConv2D(12, 7, padding="reflect", energy=True)(photograph)
    y = layers.LocalResponseNormalization(depth_radius=2, bias=1, alpha=5)(x)
    row, column = 38, 31
    return [
        [
            image(photograph, "photograph", overlay=points(row, column, size=20)),
            bars("before", x[0, row, column], range(12), highlight=[8], ylim=(0, 0.5)),
            bars("after", y[0, row, column], range(12), highlight=[8], ylim=(0, 0.5)),
        ],
        [
            tiles(np.moveaxis(x[0], -1, 0), "twelve directions", 4),
            tiles(np.moveaxis(y[0], -1, 0), "after", 4, np.max(x)),
            tiles(np.moveaxis((y / x)[0], -1, 0), "what is left of each", 4, 1),
        ],
    ]


@page("LocalContrastNormalization")
def local_contrast_normalization():
    """A photograph whose right half is in the shade, a third as bright, under two normalizations.

    First with one mean and deviation for the whole image, then by the layer, which uses those of each neighbourhood:
    the petals in the shade become distinguishable again, if paler than in the light, because it never divides by less
    than the image's average deviation. Next to it the layer's output without the shade. The border of the shade has
    become an edge. The curves run along the marked row.
    """
    x = grey(flower()).copy()
    bright = layers.LocalContrastNormalization(15)(x)
    x[:, :, 48:] /= 3
    y = layers.LocalContrastNormalization(15)(x)
    row = 40
    return [
        [
            image(x, "half in the shade", limit=1, overlay=boxes((row, 0, row + 1, 96))),
            image(keras.layers.LayerNormalization((1, 2, 3))(x), "one mean for all", limit=3),
            image(y, "local means", limit=3),
            image(bright, "the same without shade", limit=3),
        ],
        [
            curves("a row of the photograph", {"": x[0, row]}, ratio=2),
            curves("after the layer", {"": y[0, row]}, ratio=2),
        ],
    ]


@page("FilterResponseNormalization")
def filter_response_normalization():
    """Four edge directions in a photograph as channels, each divided by its own root mean square, then thresholded.

    Weak directions become as strong as the others, whatever else is in the batch. The curve is one row of the first
    channel: before, divided, and at least the threshold tau, here 0.3; a ReLU's would always be 0.
    """
    x = layers.GaborConv2D(4, 7, padding="reflect")(grey(temple(64)))
    plain, cut = (layers.FilterResponseNormalization(use_threshold=use) for use in (False, True))
    y = plain(x)
    cut.build(x.shape)
    cut.tau.assign(np.full(4, 0.3))
    z, row = cut(x), 40
    parts = {"before": x, "divided": y, "thresholded": z}
    return [
        [tiles(np.moveaxis(part[0], -1, 0), name, 2, np.max(y)) for name, part in parts.items()],
        [curves("one row", {name: part[0, row, :, 0] for name, part in parts.items()}, ratio=2)],
    ]

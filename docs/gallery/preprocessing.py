"""Preprocessing.

First layers of a model, which bring its inputs to one scale; some learn it from the training examples by `adapt`.
"""

import numpy as np

from docs.gallery.images import digits, flower, temple
from docs.gallery.pages import page
from docs.gallery.panels import boxes, image, tiles
from kzoo import layers


@page("MeanSubtraction")
def mean_subtraction():
    """Digits, less the mean of 1,797 of them: one mean of all pixels, and one of each pixel, which is shown.

    Ink that most digits have becomes pale, and missing ink, in red, counts as much as ink where there usually is none.
    """
    x = digits()[0]
    panels = [tiles(x[:8, ..., 0], "digits", 4, limit=1)]
    for axis, of in ((-1, "the channel's"), ((1, 2, 3), "each pixel's")):
        layer = layers.MeanSubtraction(axis)
        layer.adapt(x)
        panels.append(tiles(np.asarray(layer(x[:8]))[..., 0], f"less {of} mean", 4, limit=1))
    return [[*panels, image(layer.mean, "mean of each pixel", limit=1)]]


@page("RGBToBGR")
def rgb_to_bgr():
    """A photograph, and what a model would see that takes red for blue."""
    x = flower()
    return [[image(x, "red, green, blue"), image(layers.RGBToBGR()(x), "blue, green, red")]]


@page("GlobalContrastNormalization")
def global_contrast_normalization():
    """Three photographs, one of them dark: a column for each, with its red, green and blue channels from top to bottom.

    Each is centred and divided by its norm, so that the dark photograph becomes equal to the bright one. With a large
    sqrt_bias in the divisor, an image of little contrast keeps less of it.
    """
    x = np.concatenate([flower(48), temple(48), temple(48) / 4])

    def maps(z):
        return np.reshape(np.moveaxis(z, -1, 0), (9, *z.shape[1:3]))

    plain = layers.GlobalContrastNormalization(scale=55.0)(x)
    biased = layers.GlobalContrastNormalization(scale=55.0, sqrt_bias=100.0)(x)
    return [
        [
            tiles(maps(x), "red, green, blue", limit=1),
            tiles(maps(plain), "normalised", limit=2),
            tiles(maps(biased), "sqrt_bias=100", limit=2),
        ]
    ]


@page("ZCAWhitening")
def zca_whitening():
    """Digits before and after whitening, learned from 1,797 of them, with the covariances of their 64 pixels.

    Neighbouring pixels are alike, which gives the covariance its stripes; afterwards each is nearly independent of the
    others. Last, the weights of the four marked pixels: each less its neighbours.
    """
    x = digits()[0]
    layer = layers.ZCAWhitening(epsilon=0.01)
    layer.adapt(x)
    y, pixels = np.asarray(layer(x)), [(2, 2), (2, 5), (4, 3), (5, 5)]
    weights = np.reshape(layer.whitening, (8, 8, 8, 8))

    def covariance(z):
        return np.cov(np.reshape(z, (len(z), 64)), rowvar=False)

    def marked(axes):
        boxes(*((i, j, i + 1, j + 1) for i, j in pixels))(axes)

    return [
        [
            tiles(x[:8, ..., 0], "digits", 4, limit=1),
            image(covariance(x), "covariance", limit=0.1, signed=True),
            tiles(y[:8, ..., 0], "whitened", 4, limit=3),
            image(covariance(y), "covariance", limit=1, signed=True),
        ],
        [
            image(x[0], "a digit", overlay=marked),
            tiles([weights[i, j] for i, j in pixels], "weights of the marked pixels", 4),
        ],
    ]

"""Filters with few parameters, and morphology.

Kernels defined by a formula instead of free weights, or found by k-means among patches; and the maximum and minimum
instead of the sum.
"""

import numpy as np

from docs.gallery.images import flower, grey, roof, temple
from docs.gallery.pages import page
from docs.gallery.panels import image, tiles
from kzoo import layers, ops


@page("GaborConv")
def gabor_conv():
    """The bank of the initial weights: waves of eight orientations under a Gaussian, even ones above and odd ones
    below. Then the response of the first orientation to a flower: the even filter changes sign across the edge, the
    odd one peaks on it, red on the left side and blue on the right; `energy` combines both to one bright line
    without sign. The last three panels show three of the eight orientations: each highlights another part of the
    outline, where it is parallel to the filter's stripes.
    """
    x = grey(flower())
    simple = layers.GaborConv2D(16, 9, padding="reflect")
    complex_ = layers.GaborConv2D(8, 9, padding="reflect", energy=True)
    y, energy = simple(x), complex_(x)
    kernels = ops.filters.gabor(9, *simple.parameters, zero_mean=True)
    pairs = np.moveaxis(kernels[:, :, 0], -1, 0)
    return [
        [image(x, "photograph"), tiles([*pairs[::2], *pairs[1::2]], "16 filters", columns=8)],
        [
            image(y[..., 0], "first direction, even", limit=1),
            image(y[..., 1], "first direction, odd", limit=1),
            image(energy[..., 0], "first direction, energy", limit=1),
            image(energy[..., 2], "third direction, energy", limit=1),
            image(energy[..., 4], "fifth direction, energy", limit=1),
        ],
    ]


@page("KMeansFeatures")
def kmeans_features():
    """Centroids that k-means finds among 20,000 whitened patches of 6 x 6 pixels of three photographs, and the codes of
    four of them on one photograph: bright where a patch is nearer to the centroid than to the others on average,
    black where it is farther. Edges and colours were not asked for; they are what patches consist of.
    """
    photos = [255 * photo for photo in (temple(), roof(), flower())]
    layer = layers.KMeansFeatures2D(32, 6)
    layer.adapt(np.concatenate(photos), patches=20_000)
    codes = layer(photos[0])
    most = np.argsort(-np.std(codes, (0, 1, 2)))[:4]
    centroids = np.reshape(layer.centroids, (32, 6, 6, 3))
    shown = 0.5 + centroids / np.abs(centroids).max((1, 2, 3), keepdims=True) / 2
    return [
        [image(photos[0] / 255, "photograph"), tiles(list(shown), "32 centroids", 8)],
        [image(codes[..., k], f"code of centroid {k + 1}") for k in most],
    ]


def elements():
    """Returns two structuring elements of 9 x 9 pixels: 0 inside their shape, -1 elsewhere."""
    down, right = np.mgrid[-4:5, -4:5]
    return {"disc": np.where(down**2 + right**2 < 18, 0, -1), "line": np.where(down == -right, 0, -1)}


def under(kind, kernel, x):
    """A morphological layer with this kernel on x."""
    layer = kind(kernel.shape, padding="same")
    layer.build(x.shape)
    layer.kernel.assign(kernel[..., None])
    return layer(x)


@page("Dilation")
def dilation():
    """Above, a photograph under a disc and under a slanted line: each pixel becomes the brightest one that the kernel's
    white pixels cover, so that bright regions take on the kernel's shape and dark lines disappear. Below, a mask of
    the dark parts of another photograph: dilation thickens it and closes its small gaps, and an erosion by the same
    kernel undoes the thickening but leaves the gaps closed (a closing). The last panel shows what was added.
    """
    x = grey(roof())
    square = np.zeros((3, 3))
    above = [image(x, "photograph")]
    for name, kernel in elements().items():
        above += [image(kernel == 0, name), image(under(layers.Dilation2D, kernel, x), "dilated")]
    mask = (grey(temple()) < 0.4).astype("float32")
    grown = under(layers.Dilation2D, square, mask)
    closed = under(layers.Erosion2D, square, grown)
    return [
        above,
        [
            image(mask, "what is dark, as a mask"),
            image(grown, "dilated by 3 x 3 pixels"),
            image(closed, "then eroded: closed"),
            image(closed - mask, "what was added"),
        ],
    ]


@page("Erosion")
def erosion():
    """Above, a photograph under a disc and under a slanted line: each pixel becomes the darkest one that the kernel's
    white pixels cover, so that dark regions take on the kernel's shape and bright ones shrink. Below, a mask of the
    bright parts of a photograph: erosion thins it and removes what is smaller than the kernel, and a dilation by the
    same kernel restores the size of what remains (an opening). The last panel shows what was removed.
    """
    x = grey(roof())
    square = np.zeros((3, 3))
    above = [image(x, "photograph")]
    for name, kernel in elements().items():
        above += [image(kernel == 0, name), image(under(layers.Erosion2D, kernel, x), "eroded", limit=1)]
    mask = (x > 0.5).astype("float32")
    thinned = under(layers.Erosion2D, square, mask)
    opened = under(layers.Dilation2D, square, thinned)
    return [
        above,
        [
            image(mask, "what is bright, as a mask"),
            image(thinned, "eroded by 3 x 3 pixels"),
            image(opened, "then dilated: opened"),
            image(mask - opened, "what was lost"),
        ],
    ]

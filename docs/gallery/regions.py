"""Pooling to a fixed size, and over learned regions.

The output has the same size for images of any size. The regions are a grid, clusters of features, or selected.
"""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from docs.gallery.images import digit, digits, flower, grey, roof, temple
from docs.gallery.pages import page
from docs.gallery.panels import ORANGE, bars, boxes, classes, image, points, tiles
from kzoo import layers, ops
from kzoo.ops.rectangle_pool import rectangles


@page(
    "GlobalMaxPooling",
    "The largest value of each map, at any position.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.3',
)
def global_max_pooling():
    """A detector of one digit, that digit minus its mean, on pictures with the digit at three positions and with
    another.

    Its map is largest where the digit is (dot). The global maximum says whether the digit is present but not where: it
    is the same for a, b and c, and lower for d (red).
    """
    wanted, other = digit(3)[0], digit(6)[0]
    x = np.zeros((4, 20, 20, 1), "float32")
    for i, (row, column, drawn) in enumerate(((1, 1, wanted), (11, 6, wanted), (4, 12, wanted), (6, 6, other))):
        x[i, row : row + 8, column : column + 8] = drawn
    detector = layers.Conv2D(1, 8, use_bias=False, padding="same")
    detector.build(x.shape)
    detector.kernel.assign((wanted - wanted.mean())[..., None])
    maps = detector(x)
    found = keras.layers.GlobalMaxPooling2D()(maps)
    above, below = [], []
    for picture, response, most, name in zip(x, maps, found, "abcd"):
        above.append(image(picture, name))
        peak = points(*np.nonzero(response == most)[:2], ORANGE)
        below.append(image(response, f"map of {name}", np.max(found), peak))
    return [above, [*below, bars("largest of each", found, list("abcd"), [3], 0.8)]]


@page(
    "GlobalAveragePooling",
    "The mean of each map.",
    'Lin, Chen & Yan 2013, "Network in network", arXiv:1312.4400, section 3.2',
)
def global_average_pooling():
    """The responses of Gabor filters of eight orientations to a photograph, and the mean of each map.

    The mean measures how much there is of each orientation, and nothing about where. Most edges of the building are
    horizontal (bar 4); in the rotated photograph they are vertical (bar 0).
    """
    gabor = layers.GaborConv2D(8, 9, energy=True, padding="reflect")
    mean = keras.layers.GlobalAveragePooling2D()
    x = grey(temple())
    rows = []
    for title, picture in (("photograph", x), ("on its side", np.rot90(x, axes=(1, 2)))):
        maps = gabor(picture)
        rows.append(
            [
                image(picture, title),
                tiles(np.moveaxis(maps[0], -1, 0), "maps of orientations 0 to 7", 4),
                bars("mean of each map", mean(maps), ratio=1.2),
            ]
        )
    return rows


@page("AdaptiveAveragePooling")
def adaptive_average_pooling():
    """Images of three sizes, and the mean of each of 5 x 5 regions: the output always has 25 pixels.

    The boxes are the five regions on the diagonal. Where 5 divides the size, such as 40, they only touch; otherwise
    neighbours share a row or a column of pixels.
    """
    layer = layers.AdaptiveAveragePooling2D(5)

    def spans(size):
        return [(i * size // 5, -(-(i + 1) * size // 5)) for i in range(5)]

    above, below = [], []
    for x in (flower(40), roof(32)[:, :, :23], temple(17)[:, :12]):
        _, height, width, _ = x.shape
        regions = [(top, left, down, right) for (top, down), (left, right) in zip(spans(height), spans(width))]
        above.append(image(x, f"{height} x {width}", overlay=boxes(*regions)))
        below.append(image(layer(x), "5 x 5 means"))
    return [above, below]


@page("AdaptiveMaxPooling")
def adaptive_max_pooling():
    """Images of three sizes, and the largest value of each of 5 x 5 regions: the output always has 25 pixels.

    With `return_indices` the layer also returns the positions of the maxima: the dots. The boxes are the five regions
    on the diagonal. Where 5 does not divide the size, regions overlap, and one pixel may be the maximum of several.
    """
    layer = layers.AdaptiveMaxPooling2D(5, return_indices=True)

    def spans(size):
        return [(i * size // 5, -(-(i + 1) * size // 5)) for i in range(5)]

    above, below = [], []
    for x in (grey(flower(40)), grey(roof(32))[:, :, :23], digit(4)):
        _, height, width, _ = x.shape
        values, indices = layer(x)
        regions = [(top, left, down, right) for (top, down), (left, right) in zip(spans(height), spans(width))]
        marks = boxes(*regions), points(*np.unravel_index(indices, (height, width)), ORANGE, 14)

        def marked(axes, marks=marks):
            for mark in marks:
                mark(axes)

        above.append(image(x, f"{height} x {width}", 1, marked))
        below.append(image(values, "5 x 5 maxima", 1))
    return [above, below]


@page("SpatialPyramidPooling")
def spatial_pyramid_pooling():
    """Edges of a photograph and of a part of it, the largest value in each bin of two grids, and the whole vector.

    The vector holds the grids of 4 x 4, 2 x 2 (red) and 1 x 1, one after the other: 21 numbers for any image size, so
    that a dense layer can follow.
    """
    pool = layers.SpatialPyramidPooling2D((4, 2, 1))
    edges = layers.Conv2D(2, 3, use_bias=False, padding="reflect")
    edges.build((1, None, None, 1))
    edges.kernel.assign(ops.filters.sobel() / 4)
    rows = []
    for photo in (grey(temple()), grey(temple())[:, 20:70, 15:85]):
        x = np.abs(edges(photo))[..., :1]
        vector = np.ravel(pool(x))
        _, height, width, _ = x.shape
        down, across = (np.linspace(0, size, 5) for size in (height, width))
        cells = [(down[i], across[j], down[i + 1], across[j + 1]) for i in range(4) for j in range(4)]
        rows.append(
            [
                image(x, f"{height} x {width}", 0.8, boxes(*cells)),
                image(vector[:16].reshape(4, 4), "4 x 4", 0.8),
                image(vector[16:20].reshape(2, 2), "2 x 2", 0.8),
                bars("the vector", vector, None, range(16, 20), 1.6),
            ]
        )
    return rows


@page("DynamicPooling")
def dynamic_pooling():
    """A photograph, the cluster of colours that each pixel is nearest to, and the mean colour in each of 6 x 6 regions.

    Ordinary means mix petals and leaves where both meet. Dynamic pooling takes the mean of each cluster separately: a
    region has three colours, black (zeros) for a cluster that does not occur in it.
    """
    x = flower()
    layer, plain = layers.DynamicPooling2D(3, bins=(6,)), layers.AdaptiveAveragePooling2D(6)
    layer.adapt(x)
    means = np.reshape(layer(x), (6, 6, 3, 3))
    clusters = np.argmax(layer.assign(x, "float32")[0], -1)
    regions = boxes(*((i, j, i + 16, j + 16) for i in range(0, 96, 16) for j in range(0, 96, 16)), colour="white")
    return [
        [
            image(x, "photograph", overlay=regions),
            classes(clusters, "clusters", regions),
            image(plain(x), "means of regions"),
        ],
        [image(means[:, :, i], f"means of cluster {i}") for i in range(3)],
    ]


@page("ReceptiveFieldPooling")
def receptive_field_pooling():
    """Nine of the 1296 rectangles over 8 x 8 pixels, selected because their means separate digits, drawn on the mean
    digit.

    A grid of 3 x 3 covers all pixels with regions of nearly one size; the selected rectangles differ in size and shape,
    and none includes the first column, which is nearly always dark. The bars show the accuracy of a linear classifier
    on nine means each: it is trained on the 896 digits used for the selection, and tested on the other 901.
    """
    x, labels = digits()
    grid = layers.AdaptiveAveragePooling2D(3)
    chosen = layers.ReceptiveFieldPooling2D(8, "average", features=9)
    chosen.select(x[:896], labels[:896], step=1)

    def right(layer):
        means = np.reshape(layer(x), (len(x), 9))
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        return classifier.fit(means[:896], labels[:896]).score(means[896:], labels[896:])

    corners = np.array(rectangles(8))[chosen.selection]
    regions = [(top, left, bottom + 1, right + 1) for top, bottom, left, right in corners]
    spans, mean = ((0, 3), (2, 6), (5, 8)), x.mean(0)
    plain = [(top, left, bottom, right) for top, bottom in spans for left, right in spans]
    return [
        [
            image(mean, "grid of 3 x 3", 1, boxes(*plain)),
            image(mean, "9 that are selected", 1, boxes(*regions)),
            bars(
                "share classified correctly", [right(grid), right(chosen)], ["grid", "selected"], [1], 1.2, ylim=(0, 1)
            ),
        ],
        [image(mean, str(i + 1), 1, boxes(region)) for i, region in enumerate(regions)],
    ]

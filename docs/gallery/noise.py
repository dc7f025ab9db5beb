"""Noise and augmentation in training.

What is left out, added or moved in training keeps a net from relying on details; at inference these layers do
nothing, except RandomCrop, which still gives its size.

Source: none.
"""

import keras
import numpy as np

from docs.gallery.images import digit, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import COLOURS, boxes, curves, image, tiles
from kzoo import layers


@page(
    "Dropout",
    "In training numbers are left out at random, and the others are scaled up in return.",
    'Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks '
    'from overfitting".',
)
def dropout():
    """A digit in two draws at rate 0.5: half of its cells are zero and the others twice as bright.

    White is 2 in the upper row. The mean of 500 draws is the digit: what is left out and what is scaled up make up for
    each other, so that at inference nothing needs to change. Below is a photograph at growing rates, where white is
    what a white cell becomes if it is kept, 1 / (1 - rate).
    """
    x = digit()
    layer = keras.layers.Dropout(0.5, seed=1)
    draws = np.array([layer(x, training=True) for _ in range(500)])
    photograph = grey(temple())
    rates = [keras.layers.Dropout(rate, seed=1)(photograph, training=True) for rate in (0.2, 0.5, 0.8)]
    return [
        [
            image(x, "digit", limit=2),
            image(draws[0], "a draw", limit=2),
            image(draws[1], "another draw", limit=2),
            image(draws.mean(0), "mean of 500 draws", limit=2),
        ],
        [
            image(photograph, "photograph", limit=1),
            *(image(y, f"rate {rate}", limit=1 / (1 - rate)) for rate, y in zip((0.2, 0.5, 0.8), rates)),
        ],
    ]


@page(
    "SpatialDropout",
    "In training whole maps are left out at random, and the others are scaled up in return.",
    'Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization using convolutional networks", '
    "arXiv:1411.4280, section 3.2.",
)
def spatial_dropout():
    """Eight maps of a photograph, one for each direction of its edges, under both kinds of dropout at rate 0.5.

    What a cell has lost its neighbours still tell, so that Dropout hides little of a map. SpatialDropout leaves out
    whole maps, here in two draws, and the others are twice as strong: the net has to do without some of the directions.
    """
    x = layers.GaborConv2D(8, 7, padding="reflect", energy=True)(grey(temple(64)))
    layer = keras.layers.SpatialDropout2D(0.5, seed=5)

    def maps(y, title):
        return tiles(np.moveaxis(y[0], -1, 0), title, 4, np.max(x))

    return [
        [maps(x, "eight maps"), maps(keras.layers.Dropout(0.5, seed=1)(x, training=True), "Dropout")],
        [maps(layer(x, training=True), f"SpatialDropout, draw {i}") for i in (1, 2)],
    ]


@page(
    "GaussianNoise",
    "In training Gaussian noise is added.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", section 7.5.',
)
def gaussian_noise():
    """A photograph with noise of two deviations, and what was added at the larger one: blue above zero, red below.

    Both have the same draw, which the curves along the marked row show: neighbours that were alike no longer agree,
    while the step from the roof to the sky is still there. In the images all below 0 is black and all above 1 white.
    """
    x = grey(temple())
    some, much = (keras.layers.GaussianNoise(deviation, seed=1)(x, training=True) for deviation in (0.1, 0.3))
    row = 40
    return [
        [
            image(x, "photograph", limit=1, overlay=boxes((row, 0, row + 1, 96))),
            image(np.maximum(some, 0), "deviation 0.1", limit=1),
            image(np.maximum(much, 0), "deviation 0.3", limit=1),
            image(much - x, "what was added", limit=1),
        ],
        [curves("the row", {"0.3": much[0, row], "0.1": some[0, row], "photograph": x[0, row]}, ratio=4.2)],
    ]


@page("RandomFlip", "In training images are mirrored at random.", "Keras")
def random_flip():
    """Five draws of two layers one after the other, left for right and upside down, each half of the time.

    Of photographs of the world "horizontal" alone is usual, for few things stand on their heads; a mirrored digit is
    mostly no digit. In Keras 3.15 the mode "horizontal_and_vertical" decides both with one draw: it gives the image or
    half a turn.
    """
    x = temple()
    layer = keras.Sequential(
        [keras.layers.RandomFlip(mode, seed=i) for i, mode in ((1, "horizontal"), (2, "vertical"))]
    )
    return [[image(x, "photograph"), *(image(layer(x, training=True), f"draw {i}") for i in range(1, 6))]]


@page("RandomRotation", "In training images are turned at random.", "Keras")
def random_rotation():
    """Four draws of at most 0.15 of a turn either way, 54 degrees.

    The image is turned about its middle and its size stays; what comes from beyond its border is black here, and
    mirrored by default.
    """
    x = temple()
    layer = keras.layers.RandomRotation(0.15, fill_mode="constant", seed=5)
    return [[image(x, "photograph"), *(image(layer(x, training=True), f"draw {i}") for i in range(1, 5))]]


@page("RandomTranslation", "In training images are moved at random.", "Keras")
def random_translation():
    """One draw of at most 0.3 of the image in each direction, with the four ways to fill what was beyond the border.

    The border's cells are repeated, the image is mirrored, goes on at its other side, or is followed by black.
    """
    x = temple()
    modes = ("nearest", "reflect", "wrap", "constant")
    made = [keras.layers.RandomTranslation(0.3, 0.3, fill_mode=mode, seed=10) for mode in modes]
    return [[image(x, "photograph"), *(image(layer(x, training=True), layer.fill_mode) for layer in made)]]


@page("RandomZoom", "In training images are shown larger or smaller at random.", "Keras")
def random_zoom():
    """Two draws with both sides alike, then two with a factor for the height and another for the width.

    A factor above zero shows more than the image, smaller, and one below zero a part of it, larger. What lies beyond
    the border is black here, and mirrored by default.
    """
    x = temple()
    alike = keras.layers.RandomZoom(0.5, fill_mode="constant", seed=7)
    each = keras.layers.RandomZoom(0.5, 0.5, fill_mode="constant", seed=7)
    return [
        [
            image(x, "photograph"),
            *(image(alike(x, training=True), f"draw {i}") for i in (1, 2)),
            *(image(each(x, training=True), f"sides apart, draw {i}") for i in (1, 2)),
        ],
    ]


@page(
    "RandomCrop",
    "In training a piece is cut out at a random place; at inference the largest middle piece of that shape is resized.",
    "Keras",
)
def random_crop():
    """Four pieces of 40 x 40 cells of a photograph, framed in the colours of their boxes.

    Each cell brings its row and column along as two more channels, so that a piece tells where it comes from. Unlike
    `RandomZoom` the layer does not rescale in training; its output is the smaller image.
    """
    places = np.moveaxis(np.indices((96, 96), "float32"), 0, -1)
    x = np.concatenate([temple()[0], places], -1)
    layer = keras.layers.RandomCrop(40, 40, seed=11)
    pieces = [np.asarray(layer(x, training=True)) for _ in range(4)]

    def frames(axes):
        for piece, colour in zip(pieces, COLOURS):
            top, left = piece[0, 0, 3:]
            boxes((top, left, top + 40, left + 40), colour=colour)(axes)

    return [
        [
            image(temple(), "photograph", overlay=frames),
            *(
                image(piece[..., :3], f"draw {i}", overlay=boxes((0, 0, 40, 40), colour=colour))
                for i, piece, colour in zip((1, 2, 3, 4), pieces, COLOURS)
            ),
        ],
    ]

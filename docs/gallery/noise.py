"""Noise and augmentation in training.

Values dropped, noise added or images moved in training keep a model from relying on details. At inference these layers
do nothing, except RandomCrop, which still changes the size, UnscaledDropout and StochasticDepth, which scale.
"""

import keras
import numpy as np

from docs.gallery.images import digit, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import COLOURS, bars, boxes, curves, image, tiles
from kzoo import layers


@page(
    "Dropout",
    "In training, sets numbers to zero at random and scales up the others.",
    'Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks '
    'from overfitting".',
)
def dropout():
    """A digit in two draws at rate 0.5: half of its pixels are zero and the others twice as bright.

    White is 2 in the upper row. The mean of 500 draws is the digit: dropping and scaling cancel on average, so that
    nothing needs to change at inference. Below is a photograph at growing rates, where white is the value of a white
    pixel if it is kept, 1 / (1 - rate).
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


@page("UnscaledDropout")
def unscaled_dropout():
    """A digit in two draws at rate 0.5: half of its pixels are zero and the others as bright as they were.

    White is 1. The mean of 500 draws has half the brightness, and so has the output at inference, where the layer
    multiplies all pixels by 1 - rate. Below are outputs at inference: at growing rates they are darker, and with an
    inference_scale of 1 the photograph stays as it is, as in maxout networks.
    """
    x = digit()
    layer = layers.UnscaledDropout(0.5, seed=1)
    draws = np.array([layer(x, training=True) for _ in range(500)])
    photograph = grey(temple())
    rates = [(f"rate {rate}", layers.UnscaledDropout(rate)) for rate in (0.2, 0.5, 0.8)]
    rates.append(("rate 0.5, scale 1", layers.UnscaledDropout(0.5, inference_scale=1)))
    return [
        [
            image(x, "digit", limit=1),
            image(draws[0], "a draw", limit=1),
            image(draws[1], "another draw", limit=1),
            image(draws.mean(0), "mean of 500 draws", limit=1),
            image(layer(x), "inference", limit=1),
        ],
        [image(photograph, "photograph", limit=1), *(image(one(photograph), title, limit=1) for title, one in rates)],
    ]


@page(
    "SpatialDropout",
    "In training, sets whole maps to zero at random and scales up the others.",
    'Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization using convolutional networks", '
    "arXiv:1411.4280, section 3.2.",
)
def spatial_dropout():
    """Eight maps of a photograph, one for each orientation of its edges, under both kinds of dropout at rate 0.5.

    Neighbouring pixels still carry the information of a dropped one, so that Dropout hides little of a map.
    SpatialDropout drops whole maps, here in two draws, and scales the others by two: the model has to do without some
    of the orientations.
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
    "In training, adds Gaussian noise.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", section 7.5.',
)
def gaussian_noise():
    """A photograph with noise of two standard deviations, and the larger noise by itself: blue above zero, red below.

    Both have the same draw, which the curves along the marked row show: neighbours that were equal now differ, while
    the step from the roof to the sky is still visible. In the images values below 0 are black and values above 1 white.
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


@page("RandomFlip", "In training, flips images at random.")
def random_flip():
    """Five draws of two successive layers, which flip horizontally and vertically, each with probability a half.

    For photographs "horizontal" is the usual mode, as few objects stand upside down; a mirrored digit is mostly not a
    digit. In Keras 3.15 the mode "horizontal_and_vertical" makes both decisions with one draw: it returns the image or
    rotates it by half a turn.
    """
    x = temple()
    layer = keras.Sequential(
        [keras.layers.RandomFlip(mode, seed=i) for i, mode in ((1, "horizontal"), (2, "vertical"))]
    )
    return [[image(x, "photograph"), *(image(layer(x, training=True), f"draw {i}") for i in range(1, 6))]]


@page("RandomRotation", "In training, rotates images at random.")
def random_rotation():
    """Four draws of at most 0.15 of a turn in either direction, 54 degrees.

    The image is rotated about its centre and keeps its size. What comes from beyond its border is black here, and
    mirrored by default.
    """
    x = temple()
    layer = keras.layers.RandomRotation(0.15, fill_mode="constant", seed=5)
    return [[image(x, "photograph"), *(image(layer(x, training=True), f"draw {i}") for i in range(1, 5))]]


@page("RandomTranslation", "In training, translates images at random.")
def random_translation():
    """One draw of at most 0.3 of the image in each direction, with the four ways to fill what was beyond the border.

    "nearest" repeats the border's pixels, "reflect" mirrors, "wrap" continues with the opposite side, "constant" is
    black.
    """
    x = temple()
    modes = ("nearest", "reflect", "wrap", "constant")
    made = [keras.layers.RandomTranslation(0.3, 0.3, fill_mode=mode, seed=10) for mode in modes]
    return [[image(x, "photograph"), *(image(layer(x, training=True), layer.fill_mode) for layer in made)]]


@page("RandomZoom", "In training, enlarges or shrinks images at random.")
def random_zoom():
    """Two draws with both sides scaled equally, then two with different factors for height and width.

    A factor above zero zooms out and one below zero zooms in. What lies beyond the border is black here, and mirrored
    by default.
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
    "In training, crops at a random position; at inference, resizes the largest central crop of that shape.",
)
def random_crop():
    """Four crops of 40 x 40 pixels of a photograph, framed in the colours of their boxes.

    Each pixel's row and column are two more channels, so that the position of a crop can be read from it. Unlike
    `RandomZoom` the layer does not rescale in training; its output is the smaller image.
    """
    positions = np.moveaxis(np.indices((96, 96), "float32"), 0, -1)
    x = np.concatenate([temple()[0], positions], -1)
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


@page("StochasticDepth")
def stochastic_depth():
    """Six residual blocks on a digit in training: each adds its branch, here a shift by a pixel, or is dropped.

    The probability to survive falls from 1 to 0.5, as in the paper, so that late blocks are dropped more often. Three
    draws pass through networks of different depth; at inference every branch is there, weighed by its probability.
    """
    x, rows = digit(3), []
    for training, title in ((True, "draw 1"), (True, "draw 2"), (True, "draw 3"), (False, "inference")):
        y, kept = x, []
        for block in range(6):
            layer = layers.StochasticDepth(1 - 0.1 * block, seed=len(rows) * 6 + block)
            before, y = y, layer([y, np.roll(y, 1, 2)], training=training)
            kept.append(float(np.max(np.abs(y - before)) > 0))
        survive = [1 - 0.1 * block for block in range(6)] if not training else kept
        rows.append([bars(title, survive, range(1, 7), ylim=(0, 1.05)), image(y, "output")])
    return [[panel for row in rows[start : start + 2] for panel in row] for start in (0, 2)]

"""Pooling.

A window of pixels becomes one output: its content matters more than the exact position.
"""

import keras
import numpy as np

from docs.gallery.images import digit, digits, grey, roof, signal, temple
from docs.gallery.pages import page
from docs.gallery.panels import BLUE, GREEN, ORANGE, RED, bars, boxes, curves, image, points
from kzoo import layers, ops


@page("MaxPooling")
def max_pooling():
    """Above, a digit in windows of 2 x 2 pixels, with a dot on the largest of each (two where they are equal, none
    where all are black), and the output; then a photograph.

    Below, the photograph is moved by one pixel, and what changes is white: 93% of the pixels, but only 48% of the
    maxima, as a maximum often stays within its window.
    """
    x, photo = digit(4), grey(temple(97))
    here, moved = photo[:, :96, 1:], photo[:, :96, :-1]
    two, six = layers.MaxPooling2D(2), layers.MaxPooling2D(6)
    windows = boxes(*((i, j, i + 2, j + 2) for i in range(0, 8, 2) for j in range(0, 8, 2)))
    largest = np.kron(two(x)[0, :, :, 0], np.ones((2, 2))) == x[0, :, :, 0]

    def marked(axes):
        windows(axes)
        points(*np.nonzero(largest & (x[0, :, :, 0] > 0)))(axes)

    return [
        [
            image(x, "digit, windows of 2 x 2", 1, marked),
            image(two(x), "largest of each", 1),
            image(here, "photograph", 1),
            image(six(here), "largest of 6 x 6", 1),
        ],
        [
            image(moved, "moved by one pixel", 1),
            image(six(moved), "largest of 6 x 6", 1),
            image(moved != here, "which pixels change", 1),
            image(six(moved) != six(here), "which maxima change", 1),
        ],
    ]


@page("AveragePooling")
def average_pooling():
    """A digit and a photograph under the means and under the maxima of the same windows.

    The mean weighs all pixels equally: thin strokes turn grey and the photograph only gets coarser. The maximum lets
    bright pixels grow, over the gaps of the digit and the dark windows of the building. Below, windows of 3 x 3 pixels
    over the 8 x 8 of the digit's negative: two rows and columns are left over. `ceil_mode` covers them with smaller
    windows, each the mean of the pixels that it has. Zero padding, a row below and a column at the right, completes
    these windows; where it counts, they are darker.
    """
    x, photo = digit(4), roof()
    negative = 1 - x
    pads = ((0, 1), (0, 1))
    parts = [(i, j, min(i + 3, 8), min(j + 3, 8)) for i in range(0, 8, 3) for j in range(0, 8, 3)]
    windows = [(i, j, i + 2, j + 2) for i in range(0, 8, 2) for j in range(0, 8, 2)]
    return [
        [
            image(x, "digit, windows of 2 x 2", 1, boxes(*windows)),
            image(layers.AveragePooling2D(2)(x), "mean of each", 1),
            image(layers.MaxPooling2D(2)(x), "largest of each", 1),
        ],
        [
            image(photo, "photograph"),
            image(layers.AveragePooling2D(4)(photo), "mean of 4 x 4"),
            image(layers.MaxPooling2D(4)(photo), "largest of 4 x 4"),
        ],
        [
            image(negative, "3 x 3 pixels", 1, boxes(*parts)),
            image(layers.AveragePooling2D(3)(negative), "whole windows", 1),
            image(layers.AveragePooling2D(3, ceil_mode=True)(negative), "ceil_mode", 1),
            image(layers.AveragePooling2D(3, padding=pads, count_include_pad=True)(negative), "padding counts", 1),
        ],
    ]


@page("LPPooling")
def lp_pooling():
    """Edges of a photograph, then the norm of each window of 6 x 6 pixels, relative to that of a window of ones.

    With p = 1 this is the mean magnitude. The larger p is, the more the largest pixel dominates, until at infinity only
    it counts. The curves are those of the two windows in colour: the few strong edges of the roof's corner overtake the
    many weak ones of the trees as p grows.
    """
    edges = layers.Conv2D(2, 3, use_bias=False, padding="reflect")
    edges.build((1, 96, 96, 1))
    edges.kernel.assign(ops.filters.sobel() / 2)
    x = edges(grey(temple()))[..., 1:]
    ps = (1, 2, 4, 8, 16, np.inf)
    norms = [layers.LPPooling2D(6, p=p)(x) / 36 ** (1 / p) for p in ps]
    roof, trees = ([norm[0, i, 9, 0] for norm in norms] for i in (6, 14))

    def marked(axes):
        boxes((36, 54, 42, 60), colour=RED)(axes)
        boxes((84, 54, 90, 60), colour=BLUE)(axes)

    maps = [image(norms[i], f"p = {ps[i]}", 1) for i in (0, 1, 3)]
    return [
        [image(x, "edges", overlay=marked), *maps],
        [
            image(norms[-1], "p = infinity", 1),
            curves("norm for p = 1 to 16", {"roof's corner": roof[:-1], "trees": trees[:-1]}, ps[:-1], 2.4),
        ],
    ]


@page("GaussianPooling")
def gaussian_pooling():
    """The weights of a window of 9 x 9 pixels in average (box) and in Gaussian pooling, and a photograph's edges under
    both.

    Each weight is the layer's response to an image with a single bright pixel. The box counts a pixel in full until it
    leaves the window, so that a bright spot becomes a square with hard edges; the Gaussian lets it fade.
    """
    box = keras.layers.AveragePooling2D(9, strides=1)
    gauss = layers.GaussianPooling2D(9, strides=1)
    cells = np.eye(13 * 13, dtype="float32").reshape(-1, 13, 13, 1)
    weights = {"box": box(cells), "Gaussian": gauss(cells)}
    weights = {name: np.reshape(y[:, 2, 2], (13, 13)) for name, y in weights.items()}
    edges = layers.Conv2D(2, 3, use_bias=False)
    edges.build((1, 96, 96, 1))
    edges.kernel.assign(ops.filters.sobel())
    x = np.abs(edges(grey(temple())))[:, :62, :62, 1:]
    return [
        [
            image(weights["box"], "weights: box", weights["Gaussian"].max()),
            image(weights["Gaussian"], "weights: Gaussian"),
            curves("weights of the middle row", {name: w[6] for name, w in weights.items()}),
        ],
        [image(x, "edges of a photograph"), image(box(x), "box", 1), image(gauss(x), "Gaussian", 1)],
    ]


@page("Subsampling")
def subsampling():
    """A picture of four digits on four maps, each with its own coefficient and bias, as training may find them.

    The curves show a map's output for the sum of a window. A small coefficient stays where the curve is nearly
    straight, and blurs; a negative one also inverts. A large one thresholds: with a high bias the map is on where any
    pixel of a window is ("or"), with a low one only where most are ("and").
    """
    four = np.pad(digits()[0][[0, 1, 7, 4], ..., 0], ((0, 0), (1, 1), (1, 1)))
    x = four.reshape(2, 2, 10, 10).transpose(0, 2, 1, 3).reshape(1, 20, 20, 1)
    names = ["blurs", "inverts", '"or"', '"and"']
    layer = layers.Subsampling2D(2, activation="sigmoid")
    layer.build((1, 20, 20, 4))
    layer.coefficient.assign([1, -1, 8, 8])
    layer.bias.assign([-2, 2, -4, -20])
    maps = layer(np.repeat(x, 4, -1))
    totals = np.linspace(0, 4, 41)
    y = layer(np.broadcast_to(totals[:, None, None, None] / 4, (41, 2, 2, 4)))[:, 0, 0]
    return [
        [
            image(x, "digits"),
            curves("a map's value for a window's sum", {name: y[:, i] for i, name in enumerate(names)}, totals, 2.2),
        ],
        [image(maps[..., i], name, 1) for i, name in enumerate(names)],
    ]


@page("BlurPooling")
def blur_pooling():
    """Every fourth pixel of a photograph, as strides take it, and every fourth of a blurred one; below, an enlarged
    part.

    Strides hit or miss the fine posts and railings, and produce patterns that are not in the photograph (aliasing).
    Above at the right, how much the output changes when the photograph moves by one pixel: with the blur hardly at all.
    """
    x = grey(roof(160))
    here, moved = x[:, :, 1:], x[:, :, :-1]
    plain, blur = keras.layers.AveragePooling2D(1, strides=4), layers.BlurPooling2D(7, strides=4)
    return [
        [
            image(x, "photograph", 1, boxes((88, 4, 136, 100))),
            image(plain(x), "strides 4", 1),
            image(blur(x), "blur, then strides 4", 1),
            image(plain(moved) - plain(here), "strides: change", 0.6),
            image(blur(moved) - blur(here), "blur: change", 0.6),
        ],
        [
            image(x[:, 88:136, 4:100], "the part that is marked", 1),
            image(plain(x)[:, 22:34, 1:25], "strides 4", 1),
            image(blur(x)[:, 22:34, 1:25], "blur, then strides 4", 1),
        ],
    ]


@page("StochasticPooling")
def stochastic_pooling():
    """Two draws from a digit's windows of 2 x 2 pixels, the mean of 1000 draws, and the layer's output at inference.

    In training each window outputs one of its pixels, drawn in proportion to its value. At inference the output is the
    mean weighted by these proportions, which is the expected value of the draws. Below, for the marked window, how
    often each value was drawn and its share of the window's sum.
    """
    x = digit()
    layer = layers.StochasticPooling2D(2, seed=0)
    draws = np.asarray(layer(np.repeat(x, 1000, 0), training=True))
    window = np.sort(np.ravel(x[0, 2:4, 2:4]))
    often = [np.mean(draws[:, 1, 1] == value) for value in window]
    return [
        [
            image(x, "digit", 1, boxes((2, 2, 4, 4))),
            image(draws[0], "a draw", 1),
            image(draws[1], "another", 1),
            image(draws.mean(0), "mean of 1000 draws", 1),
            image(layer(x), "at inference", 1),
        ],
        [
            bars("how often a value was drawn", often, window.round(2), ylim=(0, 1)),
            bars("share of the window's sum", window / window.sum(), window.round(2), ylim=(0, 1)),
        ],
    ]


@page("FractionalMaxPooling")
def fractional_max_pooling():
    """Two draws of regions over a digit, and the largest value of each: 8 x 8 pixels become 5 x 5.

    The regions are one or two pixels high and wide, in an order that is drawn again at each training step. Below, a
    photograph after one, two and three layers of ratio 1.41, each of which only halves the area, where windows of 2 x 2
    would quarter it.
    """
    rows, columns = np.indices((1, 8, 8, 1), "float32")[1:3]
    x = np.concatenate([digit(), rows, columns], -1)
    layer = layers.FractionalMaxPooling2D(1.4, pseudo_random=False, seed=3)
    panels = []
    for title in ("a draw", "another"):
        y = layer(x, training=True)
        down, right = (np.unique(y[..., i]).astype(int) + 1 for i in (1, 2))
        regions = [(top, 0, stop, 8) for top, stop in zip([0, *down], down)]
        regions += [(0, left, 8, stop) for left, stop in zip([0, *right], right)]
        panels += [image(digit(), title, 1, boxes(*regions)), image(y[..., 0], "largest of each region", 1)]
    photo = [grey(temple())]
    for _ in range(3):
        photo.append(layers.FractionalMaxPooling2D(2**0.5, seed=0)(photo[-1], training=True))
    return [panels, [image(y, f"{y.shape[1]} x {y.shape[2]} pixels", 1) for y in photo]]


@page("KMaxPooling")
def k_max_pooling():
    """A signal with its 5 largest values in red, and the output: these values in their original order.

    Max pooling takes the largest of each window of 8 instead, even where that is hardly above zero, and only one of the
    two adjacent ones in a peak. Below, k decreases with depth: of 40 samples the first of three layers keeps 27, the
    second 14, the last 5.
    """
    x, ylim = signal(), (-1.7, 1.9)
    rows = []
    for title, pool in (
        ("the 5 largest", layers.KMaxPooling1D(5)),
        ("the largest of each 8", keras.layers.MaxPooling1D(8)),
    ):
        y = pool(x)
        kept = np.flatnonzero(np.isin(x, y))
        out = bars("what comes out", y, None, range(5), 0.9, ylim=ylim)
        rows.append([bars(title, x, None, kept, 2.8, ylim=ylim), out])
    deep = []
    for depth in (1, 2, 3):
        x = layers.KMaxPooling1D(5, depth=(depth, 3), length=40)(x)
        deep.append(bars(f"after layer {depth} of 3: {x.shape[1]}", x, ylim=ylim))
    return [*rows, deep]


@page("ProbabilisticMaxPooling")
def probabilistic_max_pooling():
    """The inputs of 8 x 8 units, the probability that each is on, and that any of its block of 2 x 2 is; then a sample.

    A block has at most one unit on: its four units and "none" compete, as the bars show. In the green block three units
    have inputs far above 0, and "none" is very unlikely; in the orange one two units have an input of 0, and each of
    them is as likely as "none".
    """
    x = 8 * digit() - 4
    chances = layers.ProbabilisticMaxPooling2D(2, return_hidden=True)
    draw = layers.ProbabilisticMaxPooling2D(2, return_hidden=True, sample=True, seed=0)
    (unit, block), (unit_on, block_on) = chances(x), draw(x)

    def marks(axes):
        boxes((0, 2, 2, 4), colour=GREEN)(axes)
        boxes((2, 6, 4, 8), colour=ORANGE)(axes)

    def competing(title, i, j):
        heights = np.append(unit[0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2], 1 - block[0, i, j])
        return bars(title, heights, [1, 2, 3, 4, "none"], ratio=1.2, ylim=(0, 0.65))

    return [
        [
            image(x, "inputs of the units", overlay=marks),
            image(unit, "a unit is on", 1, marks),
            image(block, "any of a block is on", 1),
        ],
        [
            competing("the green block", 0, 1),
            competing("the orange block", 1, 3),
            image(unit_on, "a draw: units", 1),
            image(block_on, "a draw: blocks", 1, boxes((0, 0, 4, 4), colour="black")),
        ],
    ]

"""Activations.

A function of each number, or of a few together; without one a stack of linear layers would be a single linear layer.
"""

import keras
import numpy as np

from docs.gallery.images import digits, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import bars, curves, image, tiles
from kzoo import layers, ops


@page(
    "ReLU",
    "Sets numbers below zero to zero.",
    'Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".',
)
def relu():
    """Changes to the right in a photograph, from Sobel's kernel and from the same kernel with its sign reversed.

    Blue is above zero, red below. After the layer the first map keeps the edges from dark to bright and the second
    those from bright to dark: a kernel with a ReLU finds edges of one sign only. The curve is the layer's output over
    its input.
    """
    photograph = grey(temple(64))
    x = ops.conv(photograph, ops.filters.sobel())[0, ..., 1]
    layer = keras.layers.ReLU()
    line = np.linspace(-2, 2, 101)
    return [
        [image(photograph, "photograph"), curves("output over input", {"": layer(line)}, line, ratio=3.1)],
        [
            image(x, "edges", limit=2),
            image(layer(x), "ReLU: dark to bright", limit=2, signed=True),
            image(-x, "the kernel's sign reversed", limit=2),
            image(layer(-x), "ReLU: bright to dark", limit=2, signed=True),
        ],
    ]


@page(
    "LeakyReLU",
    "Multiplies numbers below zero by a small slope.",
    'Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".',
)
def leaky_relu():
    """Edges of a photograph under the layer with three slopes, and the output over the input for each.

    Blue is above zero, red below. Slope 0 is the ReLU: what was red is gone, and a unit that is below zero everywhere
    has no gradient to learn from. With a slope the red edges remain, the paler the smaller it is.
    """
    x = ops.conv(grey(temple(64)), ops.filters.sobel())[0, ..., 1]
    line = np.linspace(-2, 2, 101)
    made = {f"slope {slope}": keras.layers.LeakyReLU(slope) for slope in (0, 0.1, 0.4)}
    return [
        [curves("output over input", {name: layer(line) for name, layer in made.items()}, line, ratio=4.2)],
        [
            image(x, "edges", limit=2),
            *(image(layer(x), name, limit=2, signed=True) for name, layer in made.items()),
        ],
    ]


@page(
    "PReLU",
    "Multiplies numbers below zero by a trained slope, one for each channel or each number.",
    'He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", arXiv:1502.01852.',
)
def prelu():
    """Four copies of one edge map as the channels of a layer that has a slope for each, here set by hand.

    Slope 0 is the ReLU, 1 changes nothing, and -1 gives the absolute value, so that both signs of an edge are blue.
    `shared_axes` gives each map one slope; without it every position would have its own.
    """
    slopes = (0, 0.4, 1, -1)
    x = np.repeat(ops.conv(grey(temple(64)), ops.filters.sobel())[..., 1:], 4, -1)
    layer = keras.layers.PReLU(shared_axes=(1, 2))
    layer.build(x.shape)
    layer.alpha.assign([[slopes]])
    y = layer(x)[0]
    line = np.linspace(-2, 2, 101)
    lines = layer(np.tile(line[None, None, :, None], 4))[0, 0]
    names = [f"slope {slope}" for slope in slopes]
    return [
        [
            image(x[0, ..., 0], "edges", limit=2),
            curves("output over input", dict(zip(names, np.transpose(lines))), line, ratio=3.1),
        ],
        [image(y[..., i], name, limit=2, signed=True) for i, name in enumerate(names)],
    ]


@page(
    "ELU",
    "Maps numbers below zero to an exponential that approaches -1.",
    'Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units", '
    "arXiv:1511.07289.",
)
def elu():
    """Strong edges of a photograph after the ReLU, the leaky ReLU and the ELU, and the means of the four maps.

    Blue is above zero, red below. The ELU keeps weak edges below zero almost unchanged, while all strong ones become
    -1: the sign is kept, but not the amount. Of the three outputs the ELU's mean is nearest to zero.
    """
    x = 4 * ops.conv(grey(temple(64)), ops.filters.sobel())[0, ..., 1]
    made = {"ReLU": keras.layers.ReLU(), "leaky ReLU": keras.layers.LeakyReLU(0.1), "ELU": keras.layers.ELU()}
    maps = {"edges": x} | {name: layer(x) for name, layer in made.items()}
    line = np.linspace(-4, 4, 101)
    return [
        [
            curves("output over input", {name: layer(line) for name, layer in made.items()}, line, ratio=2),
            bars("mean of each map", [np.mean(y) for y in maps.values()], maps, ratio=2),
        ],
        [image(y, name, limit=4, signed=True) for name, y in maps.items()],
    ]


@page(
    "Softmax",
    "Turns scores into positive numbers that sum to one.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", section 6.2.2.3.',
)
def softmax():
    """Ten scores of a digit, from least squares, as probabilities: of the scores as they are, and of ten times the
    scores.

    The larger the scores, the larger the share of the largest one. Below, the softmax is over channels: the strengths
    of a photograph's edges in four orientations become shares, white where one orientation dominates and a uniform grey
    where none does.
    """
    x, y = digits()
    flat = x.reshape(-1, 64)
    scores = flat[23] @ np.linalg.lstsq(flat[100:], np.eye(10)[y[100:]], rcond=None)[0]
    directions = 8 * layers.GaborConv2D(4, 11, padding="reflect", energy=True)(grey(temple(64)))[0]
    layer = keras.layers.Softmax()
    return [
        [
            image(x[23], "digit"),
            bars("scores", scores, range(10), [3], 1.1),
            bars("softmax", layer(scores), range(10), [3], 1.1, ylim=(0, 1)),
            bars("softmax of 10 x scores", layer(10 * scores), range(10), [3], 1.1, ylim=(0, 1)),
        ],
        [tiles(np.moveaxis(directions, -1, 0), "four directions", columns=4)],
        [tiles(np.moveaxis(layer(directions), -1, 0), "softmax over the channels", columns=4, limit=1)],
    ]


@page("ScaledTanh")
def scaled_tanh():
    """LeNet's activation and tanh: their curves, the curvature, and a photograph after eight applications of each.

    The photograph ranges from -1, black, to 1, white. The scaled tanh is 1 at 1 and -1 at -1, where its curvature is
    largest, and its slope at 0 exceeds 1: black and white are unchanged and greys move towards them. tanh is 0.76 at 1,
    and with every layer the picture gets greyer.
    """
    x = 2 * grey(temple(64)) - 1
    line = np.linspace(-3, 3, 241)
    made = {"scaled": layers.ScaledTanh(), "tanh": keras.layers.Activation("tanh")}
    lines = {name: np.asarray(layer(line)) for name, layer in made.items()}
    bent = {name: np.diff(y, 2) / np.diff(line)[0] ** 2 for name, y in lines.items()}
    after = dict.fromkeys(made, x)
    for _ in range(8):
        after = {name: layer(after[name]) for name, layer in made.items()}
    return [
        [
            curves("output over input", lines, line, ratio=2, yticks=(-1, 0, 1)),
            curves("second derivative", bent, line[1:-1], ratio=2),
        ],
        [
            image((x + 1) / 2, "photograph", limit=1),
            image((after["scaled"] + 1) / 2, "scaled, eight times", limit=1),
            image((after["tanh"] + 1) / 2, "tanh, eight times", limit=1),
        ],
    ]


@page("PolynomialTanh")
def polynomial_tanh():
    """A layer of degree 4 is trained to compute the strength of edges from an edge map, whatever their sign.

    Blue is above zero, red below. At the start the layer is tanh, which is monotonic and so keeps the sign; trained, it
    is a valley with its bottom near zero, and the edges that were red are blue.
    """
    x = ops.conv(grey(temple(64)), ops.filters.sobel())[0, ..., 1]
    numbers = np.reshape(x, (-1, 1))
    line = np.linspace(-2, 2, 101)[:, None]
    layer = layers.PolynomialTanh(4)
    start = image(np.reshape(layer(numbers), x.shape), "at the start", limit=2)
    shapes = {"at the start": layer(line)}
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=False)
    model.fit(numbers, np.abs(numbers), batch_size=64, epochs=8, verbose=0)
    shapes["trained"] = layer(line)
    trained = image(np.reshape(layer(numbers), x.shape), "trained", limit=2, signed=True)
    return [
        [curves("output over input", shapes, line[:, 0], ratio=4.2)],
        [image(x, "edges", limit=2), image(np.abs(x), "wanted: their strength", limit=2, signed=True), start, trained],
    ]

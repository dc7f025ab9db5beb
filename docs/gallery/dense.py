"""Dense layers.

Every output depends on every input: what convolution avoids, and a cheaper way to do it.
"""

import keras
import numpy as np

from docs.gallery.images import digit, digits
from docs.gallery.pages import page
from docs.gallery.panels import bars, boxes, curves, image, tiles
from kzoo import layers
from kzoo.initializers import DigitCodes


@page(
    "Flatten",
    "Reshapes an image to one vector, row after row.",
)
def flatten():
    """A digit of 8 x 8 pixels and the vector of 64 numbers that it becomes; nine pixels are marked in both.

    Neighbours in a row stay neighbours, while vertical neighbours are eight numbers apart. The layers that follow no
    longer know which pixels were close: moved by one pixel, the digit is a different vector.
    """
    x = digit(3)
    y = keras.layers.Flatten()(np.concatenate([x, np.roll(x, 1, 2)]))
    box = boxes((2, 3, 5, 6))

    def marks(axes):
        for row in (2, 3, 4):
            boxes((0, 8 * row + 3, 2, 8 * row + 6))(axes)

    return [
        [image(x, "digit", overlay=box), image(np.roll(x, 1, 2), "moved by one pixel", overlay=box)],
        [image(y, "the two flattened, one below the other", overlay=marks)],
    ]


@page(
    "Dense",
    "Each output is a weighted sum of all inputs.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", chapter 6.',
)
def dense():
    """A layer with ten outputs that recognises digits without training: its kernel and bias are computed from class
    means.

    A column of the kernel is a digit's mean minus that of all digits; as an image it is blue where the digit has more
    ink than others and red where it has less. An output is the sum of digit times column, pixel by pixel, plus the
    bias, with which it measures how much nearer the digit is to its class mean than to the overall mean. The digit
    shown was not used for the means.
    """
    x, y = digits()
    means = np.stack([x[200:][y[200:] == k].mean(0).ravel() for k in range(10)], 1)
    every = means.mean(1, keepdims=True)
    layer = keras.layers.Dense(10)
    layer.build((None, 64))
    layer.kernel.assign(means - every)
    layer.bias.assign((np.sum(every**2, 0) - np.sum(means**2, 0)) / 2)
    kernels = np.reshape(layer.kernel, (8, 8, 10))
    one = x[39]
    products = [image(one[..., 0] * kernels[..., k], f"digit x kernel of {k}", limit=0.6) for k in (9, 3)]
    return [
        [image(one, "digit"), tiles(np.moveaxis(kernels, -1, 0), "kernels of 0 to 9", 5)],
        [*products, bars("ten outputs", layer(one.reshape(1, 64)), range(10), [9], 2)],
    ]


@page("RBF")
def rbf():
    """Above, a digit, ten prototypes, here the mean of each class of other digits, and ten outputs: the negative
    squared distance of the digit from each. The largest, that of the nearest prototype, is red. Below, prototypes
    like those of LeNet-5: a code of 84 signs for each class, which as 12 x 7 pixels is a picture of the digit. With
    noise as strong as the code itself, the code of the 4 is still nearest to its prototype by far.
    """
    x, y = digits()
    means = np.stack([x[200:][y[200:] == k].mean(0).ravel() for k in range(10)], 1)
    codes = np.asarray(DigitCodes()((84, 10)))
    noisy = codes[:, 4] + np.random.default_rng(0).normal(size=84)
    rows = []
    for one, kernel, size, titles in (
        (x[39].ravel(), means, (8, 8), ("digit", "means of 0 to 9")),
        (noisy, codes, (12, 7), ("code and noise", "codes of 0 to 9")),
    ):
        layer = layers.RBF(10)
        layer.build((None, len(one)))
        layer.kernel.assign(kernel)
        outputs = np.ravel(layer(one[None]))
        panels = [image(one.reshape(size), titles[0]), tiles(kernel.T.reshape(10, *size), titles[1], 5)]
        rows.append([*panels, bars("ten outputs", outputs, range(10), [int(outputs.argmax())], 2)])
    return rows


@page("Prototypes")
def prototypes():
    """Three examples of each digit, stored as prototypes without any training, a digit that is none of them, and the
    probability of each class: the class of a neighbour that is drawn the likelier, the nearer it is. The largest is
    red. Below the same with a larger temperature, for which farther neighbours count too.
    """
    x, y = digits()
    flat = x.reshape(len(x), -1)
    chosen = np.concatenate([np.flatnonzero(y == k)[:3] for k in range(10)])
    rows = []
    for temperature in (1.0, 5.0):
        layer = layers.Prototypes(10, 3, temperature, activation="softmax")
        layer.store(flat[chosen], y[chosen])
        outputs = np.ravel(layer(flat[142:143]))
        stored = np.moveaxis(np.asarray(layer.kernel), 0, -1).transpose(1, 0, 2).reshape(30, 8, 8)
        panels = [image(x[142].reshape(8, 8), "digit"), tiles(stored, "three examples of each", 10)]
        rows.append([*panels, bars(f"temperature {temperature:g}", outputs, range(10), [int(outputs.argmax())], 2)])
    return rows


@page("Fastfood")
def fastfood():
    """The matrix that the layer implements, obtained as its output for the identity, and the distribution of its
    entries.

    It looks like a matrix of independent normal numbers but comes from three diagonals, so that a layer of n inputs and
    n outputs has 3 n weights instead of n^2. Below, cosines and sines of its outputs approximate a Gaussian kernel of
    digits, 0 to 9 in order, four of each: the more units, the closer the inner products are to the exact values.
    """
    x, y = digits()
    order = np.concatenate([np.flatnonzero(y == k)[:4] for k in range(10)])
    flat = x[order].reshape(-1, 64)
    matrix = np.transpose(layers.Fastfood(64, seed=1)(np.eye(64, dtype="float32")))
    counts = {"Dense": [], "Fastfood": []}
    sizes = (64, 256, 1024)
    for size in sizes:
        for made in (keras.layers.Dense(size, use_bias=False), layers.Fastfood(size)):
            made.build((None, size))
            counts[type(made).__name__].append(made.count_params())
    exact = np.exp(-np.square(flat[:, None] - flat).sum(-1) / 2 / 2**2)

    def approximate(units):
        z = layers.Fastfood(units, sigma=2, seed=1)(flat)
        features = np.concatenate([np.cos(z), np.sin(z)], -1) / units**0.5
        return features @ features.T

    bins = np.linspace(-4, 4, 33)
    return [
        [
            image(matrix, "the matrix"),
            curves("its entries", {"": np.histogram(matrix, bins)[0]}, (bins[1:] + bins[:-1]) / 2),
            curves("weights, n to n", counts, sizes, xscale="log", yscale="log"),
        ],
        [
            image(exact, "exact kernel", limit=1, signed=True),
            *(image(approximate(units), f"{units} units", limit=1, signed=True) for units in (64, 512, 4096)),
        ],
    ]

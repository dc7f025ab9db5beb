"""Convolution.

A kernel is applied at every position of an image, and its responses form a map. Separable kernels and Fourier
transforms give the same map, or nearly the same, with fewer weights or operations.
"""

import keras
import numpy as np

from docs.gallery.images import flower, grey, roof, temple
from docs.gallery.pages import page
from docs.gallery.panels import ORANGE, boxes, image, tiles
from kzoo import layers, ops


@page("Conv")
def conv():
    """A photograph, an enlarged part of it with one window framed, two kernels, and a map for each; there the frame
    marks the output of that window. Blue is where the image gets brighter and red where it gets darker, downwards
    for the upper kernel, to the right for the lower one. Below, the lower kernel at every third position (strides
    3), and with its taps three pixels apart (dilation 3), where edges become wider. With "same" the zeros beyond the
    border look like edges, with "reflect" there are none.
    """
    x = grey(temple(64))
    kernel = ops.filters.sobel()
    one = boxes((17, 29, 20, 32), colour=ORANGE)

    def edges(way=1, **settings):
        layer = layers.Conv2D(2, 3, use_bias=False, **settings)
        layer.build(x.shape)
        layer.kernel.assign(kernel)
        return layer(x)[0, :, :, way]

    return [
        [
            image(x, "photograph", overlay=boxes((15, 26, 28, 39))),
            image(x[:, 15:28, 26:39], "enlarged: one window", limit=1, overlay=boxes((3, 4, 6, 7))),
            tiles(np.moveaxis(kernel[:, :, 0], -1, 0), "kernels", columns=1),
            image(edges(0), "changes downwards", limit=2, overlay=one),
            image(edges(1), "changes to the right", limit=2, overlay=one),
        ],
        [
            image(edges(strides=3), "strides 3", limit=2),
            image(edges(dilation_rate=3), "dilation 3", limit=2),
            image(edges(padding="same"), 'padding "same"', limit=2),
            image(edges(padding="reflect"), 'padding "reflect"', limit=2),
        ],
    ]


@page(
    "DepthwiseConv",
    "Convolves each channel with its own kernels; channels are not mixed.",
    'Sifre 2014, PhD thesis, "Rigid-motion scattering for image classification"; Chollet 2017, arXiv:1610.02357.',
)
def depthwise_conv():
    """A photograph, its three colours, and a kernel for each, from above: red's smears horizontally, green's changes
    nothing, blue's smears vertically. Below, the layer's output: each colour is filtered by its own kernel only, so
    red has horizontal streaks, green is sharp and blue has vertical streaks; as one colour image they no longer fit.
    """
    x = flower()
    layer = keras.layers.DepthwiseConv2D(21, padding="same", use_bias=False)
    layer.build(x.shape)
    kernel = np.zeros((21, 21, 3), "float32")
    kernel[10, :, 0] = kernel[:, 10, 2] = 1 / 21
    kernel[10, 10, 1] = 1
    layer.kernel.assign(kernel[..., None])
    y = layer(x)
    colours = ("red", "green", "blue")
    return [
        [
            image(x, "photograph"),
            *(image(x[..., c], colours[c], limit=1) for c in range(3)),
            tiles(0.7 * np.moveaxis(kernel > 0, -1, 0), "3 kernels", columns=1, limit=1),
        ],
        [image(y, "output in colour"), *(image(y[..., c], f"{colours[c]} by its kernel", limit=1) for c in range(3))],
    ]


@page(
    "SeparableConv",
    "A depthwise convolution, then a 1 x 1 convolution that mixes the channels.",
    'Sifre 2014, PhD thesis, "Rigid-motion scattering for image classification"; Chollet 2017, arXiv:1610.02357.',
)
def separable_conv():
    """Two steps in one layer. The depthwise step filters each colour separately, here by a blur. The pointwise step
    mixes the three maps at each position. A column of the matrix holds a filter's weights for red, green and blue,
    and the maps to its right are the outputs of the three filters: their mean; green minus red, where the red
    building stands out; and blue minus the mean of red and green, pale blue in the sky and red on the building. A
    convolution would need 225 weights instead of 84.
    """
    x = roof()
    blur = np.stack([ops.filters.gaussian(5, 1)[:, :, 0]] * 3, 2)
    mixing = np.array([[1 / 3, -1, -1 / 2], [1 / 3, 1, -1 / 2], [1 / 3, 0, 1]], "float32")
    depthwise = keras.layers.DepthwiseConv2D(5, use_bias=False)
    separable = keras.layers.SeparableConv2D(3, 5, use_bias=False)
    for layer in (depthwise, separable):
        layer.build(x.shape)
    depthwise.set_weights([blur])
    separable.set_weights([blur, mixing[None, None]])
    y = separable(x)
    maps = zip(("red", "green", "blue"), np.moveaxis(depthwise(x), -1, 0))
    return [
        [image(x, "photograph"), *(image(z, f"depthwise: {colour}", limit=1) for colour, z in maps)],
        [
            image(mixing, "mixing matrix"),
            image(y[..., 0], "filter 1: mean", limit=1),
            image(y[..., 1], "filter 2: green less red", limit=0.5),
            image(y[..., 2], "filter 3: blue less others", limit=0.5),
        ],
    ]


@page("StandardizedConv")
def standardized_conv():
    """Four kernels whose weights have different means and variances, and the same kernels standardized, each with the
    map of its responses.

    A kernel whose mean is not 0 responds to areas of one brightness above all: the upper maps are blurred photographs
    of one sign, stronger where the weights are larger. Standardized kernels respond to changes, and all about as
    strongly; the lower maps are drawn in three times the contrast.
    """
    x = grey(temple(64))
    kernel = np.random.default_rng(3).normal((0.5, -1, 0.2, 2), (0.5, 1, 0.2, 2), (3, 3, 1, 4))
    rows = []
    for title, layer in {
        "kernels": layers.Conv2D(4, 3, use_bias=False),
        "standardized": layers.StandardizedConv2D(4, 3, use_bias=False),
    }.items():
        layer.build(x.shape)
        layer.kernel.assign(kernel)
        used, limit = (kernel, 6) if title == "kernels" else (ops.standardize_kernel(kernel), 2)
        maps = np.moveaxis(np.asarray(layer(x))[0], -1, 0)
        rows.append([tiles(np.moveaxis(np.asarray(used)[:, :, 0], -1, 0), title)])
        rows[-1] += [image(part, f"map {number}", limit, signed=True) for number, part in enumerate(maps, 1)]
    return [[image(x, "photograph"), *rows[0]], [image(x, "photograph"), *rows[1]]]


@page("SpatiallySeparableConv")
def spatially_separable_conv():
    """The outer product of a Gaussian column and its negative derivative as a row is a kernel of 21 x 21 pixels. The
    layer sums along the columns first, then along the rows, and finds the edges that the whole kernel finds: 42
    weights do what 441 do, up to rounding.
    """
    x = grey(temple())
    column = ops.filters.gaussian((21,))[:, 0, 0]
    row = column * np.arange(-10, 11, dtype="float32")
    separable = layers.SpatiallySeparableConv2D(1, 21, padding="reflect", use_bias=False)
    first = layers.SpatiallySeparableConv2D(1, (21, 1), padding="reflect", use_bias=False)
    whole = layers.Conv2D(1, 21, padding="reflect", use_bias=False)
    for layer in (separable, first, whole):
        layer.build(x.shape)
    separable.set_weights([column.reshape(21, 1, 1, 1), row.reshape(21, 1, 1)])
    first.set_weights([column.reshape(21, 1, 1, 1), np.ones((1, 1, 1))])
    whole.set_weights([np.outer(column, row)[:, :, None, None]])
    lines = np.zeros((2, 21, 21), "float32")
    lines[0, :, 10], lines[1, 10] = column / column.max(), row / row.max()
    return [
        [
            image(x, "photograph"),
            image(lines[0], "a column"),
            image(lines[1], "times a row"),
            image(np.outer(column, row), "is a whole kernel"),
        ],
        [
            image(first(x), "after the column"),
            image(separable(x), "then the row: 42 weights"),
            image(whole(x), "the whole kernel: 441"),
            image(1e6 * (separable(x) - whole(x)), "their difference times 10^6", limit=2),
        ],
    ]


@page("FFTConv")
def fft_conv():
    """Kernels of 31 x 31 pixels, a size at which the Fourier transform is faster: a disc, the blur of a lens out of
    focus, and a streak, that of a moving camera. `Conv2D` in float64 gives the same images; enlarged a million
    times, the differences are rounding noise.
    """
    down, right = np.mgrid[-15:16, -15:16]
    disc, streak = down**2 + right**2 < 14**2, down == -right

    def run(layer, x, kernel):
        layer.build(x.shape)
        layer.kernel.assign(kernel[:, :, None, None] * np.eye(3) / kernel.sum())
        return np.asarray(layer(x))

    rows = []
    for x, kernel in ((temple(160), disc), (flower(160), streak)):
        fourier = run(layers.FFTConv2D(3, 31, padding="reflect", use_bias=False), x, kernel)
        direct = run(layers.Conv2D(3, 31, padding="reflect", use_bias=False, dtype="float64"), x, kernel)
        difference = image(1e6 * (fourier - direct)[..., 1], "difference times 10^6", limit=2)
        rows.append([image(x, "photograph"), image(kernel, "kernel"), image(fourier, "FFTConv")])
        rows[-1] += [image(direct, "Conv"), difference]
    return rows

"""Less weight sharing, and moving kernels.

From one kernel for all positions, through kernels that rotate with a period, to one for each position; and kernels
whose taps move with the input.
"""

import keras
import numpy as np

from docs.gallery.images import digit, grey, roof, temple
from docs.gallery.pages import page
from docs.gallery.panels import BLUE, ORANGE, RED, classes, image, points, tiles
from kzoo import layers, ops


@page("TiledConv")
def tiled_conv():
    """Four kernels that respond to lines of four orientations, and a map of which kernel computes which output pixel:
    with a tile of 2 they alternate along both axes. The output interleaves four maps. Below it is taken apart: the
    pixels of each colour form an image, the convolution of stride 2 with one kernel. Pooling over 2 x 2 pixels would
    combine all four.
    """
    x = grey(temple())
    layer = layers.TiledConv2D(1, 7, tile=2)
    layer.build(x.shape)
    kernels = ops.filters.gabor(7, 0.4, 0.1, 0.1, 1.2, 0, 0, 0, np.pi * np.arange(4) / 4, zero_mean=True)
    kernels = np.reshape(np.moveaxis(kernels, -1, 0), layer.kernel.shape)
    layer.kernel.assign(kernels)
    y = layer(x)[0, :, :, 0]
    layer.kernel.assign(0 * kernels)
    layer.bias.assign([[[0], [1]], [[2], [3]]])
    which = layer(x)[0, :, :, 0]
    colours = ("blue", "orange", "green", "red")
    return [
        [
            image(x, "photograph"),
            tiles(kernels.reshape(4, 7, 7), "kernels"),
            classes(which[:8, :8], "which kernel (8 x 8 pixels)"),
            image(y, "output", limit=1),
        ],
        [image(y[i // 2 :: 2, i % 2 :: 2], f"the {colours[i]} pixels", limit=1) for i in range(4)],
    ]


@page("TableConv")
def table_conv():
    """Four filters, and a table of which of the three colours each of them reads, with a row for each colour and a
    column for each filter; blue adds and red subtracts. Three read two colours and have no weights for the third:
    their outputs are differences, blurred by the Gaussian that all connections share here. The last reads all and
    computes the mean. Nine connections of 25 weights are 225 where a convolution has 300; and filters that read
    different channels cannot all become alike.
    """
    x = roof()
    table = [[0, 1], [1, 2], [0, 2], [0, 1, 2]]
    signs = np.array([-1, 1, -1, 1, -1, 1, 1 / 3, 1 / 3, 1 / 3], "float32")
    layer = layers.TableConv2D(4, 5, connections=table, padding="reflect", use_bias=False)
    layer.build(x.shape)
    layer.kernel.assign(ops.filters.gaussian(5, 1)[:, :, 0] * signs)
    links = np.zeros((3, 4), "float32")
    links[np.concatenate(table), [0, 0, 1, 1, 2, 2, 3, 3, 3]] = signs
    y = layer(x)
    names = ("green less red", "blue less green", "blue less red")
    return [
        [
            image(x, "photograph"),
            *(image(x[..., c], colour, limit=1) for c, colour in enumerate(("red", "green", "blue"))),
            image(links, "table", limit=1),
        ],
        [*(image(y[..., f], name, limit=0.5) for f, name in enumerate(names)), image(y[..., 3], "mean", limit=1)],
    ]


@page("LocallyConnected")
def locally_connected():
    """Each of 64 x 64 positions has its own kernel: Gaussians that widen with the distance from the upper storeys, 25
    of them drawn at their positions in the image. The output is sharp where they are narrow and blurred around it,
    as in the human eye. One kernel for all positions, here the mean of all kernels, is a convolution and blurs
    uniformly.
    """
    x = grey(temple(64))
    down, right = np.mgrid[:64, :64]
    sigma = 0.3 + np.maximum(np.hypot(down - 24, right - 20) - 10, 0) / 8
    down, right = np.mgrid[-4:5, -4:5]
    kernels = np.exp(-(down**2 + right**2) / (2 * sigma[..., None, None] ** 2))
    kernels /= kernels.sum((-2, -1), keepdims=True)
    local = layers.LocallyConnected2D(1, 9, padding="reflect", use_bias=False)
    conv = layers.Conv2D(1, 9, padding="reflect", use_bias=False)
    for layer, weights in ((local, kernels), (conv, kernels.mean((0, 1)))):
        layer.build(x.shape)
        layer.kernel.assign(weights[..., None, None])
    some = kernels[6::13, 6::13] / kernels[6::13, 6::13].max((-2, -1), keepdims=True)
    return [
        [
            image(x, "photograph"),
            tiles(some.reshape(25, 9, 9), "25 of 4096 kernels"),
            image(local(x), "locally connected"),
            image(conv(x), "Conv with their mean"),
        ],
    ]


@page("LowRankLocallyConnected")
def low_rank_locally_connected():
    """All positions mix two kernels: a sharp one of a single pixel and a wide Gaussian. Each row and each column has a
    weight for each kernel, and the softmax of their sums is the mixture of a position: here the sharp kernel counts
    around the upper storeys. With 2 x 9 x 9 + 2 x (64 + 64) numbers the output resembles that of 4096 kernels.
    """
    x = grey(temple(64))
    layer = layers.LowRankLocallyConnected2D(1, 9, padding="reflect", kernels=2, use_bias=False)
    layer.build(x.shape)
    down, right = np.mgrid[-4:5, -4:5]
    wide = np.exp(-(down**2 + right**2) / 18)
    kernels = np.stack([(down == 0) & (right == 0), wide / wide.sum()], -1)
    layer.kernel.assign(kernels[:, :, None, :, None])
    for weight, centre in zip(layer.mixtures, (24, 20)):
        far = (np.arange(64) - centre) / 8
        weight.assign(np.stack([2 - far**2, far * 0], -1))
    rows, columns = (np.asarray(weight)[:, 0] for weight in layer.mixtures)
    sharp = 1 / (1 + np.exp(-(rows[:, None] + columns)))
    return [
        [
            image(x, "photograph"),
            tiles(np.moveaxis(kernels, -1, 0) / kernels.max((0, 1))[:, None, None], "2 kernels"),
            image(sharp, "share of the sharp one"),
            image(layer(x), "low rank"),
        ],
    ]


@page("DeformableConv")
def deformable_conv():
    """The taps of a 7 x 7 kernel at three positions of a digit, before and after a second kernel, set by hand here and
    normally trained, has moved them: it sends each tap towards the bright pixels near it, so that the taps of a
    position gather at the stroke. The kernel itself takes the mean. With zero offsets, as at the start of training,
    the layer is a convolution and blurs the digit; with its taps at the stroke, the stroke stays narrow and bright.
    """
    x = keras.layers.UpSampling2D(4, interpolation="bilinear")(digit(3))
    layer = layers.DeformableConv2D(1, 7, padding="same", modulated=False, use_bias=False)
    layer.build(x.shape)
    layer.kernel.assign(np.full((7, 7, 1, 1), 1 / 49))
    still = layer(x)
    grid = np.stack(np.mgrid[-3:4, -3:4], -1)
    away = grid[:, :, None, None] - grid
    pull = 0.3 * away * np.exp(-((away / 2) ** 2).sum(-1, keepdims=True) / 2)
    layer.offset_kernel.assign(pull.reshape(7, 7, 1, 98))
    shifts = np.reshape(ops.conv(x, layer.offset_kernel, padding="same"), (32, 32, 7, 7, 2))

    def look(shift):
        def overlay(axes):
            for position, colour in (((8, 8), RED), ((22, 12), ORANGE), ((16, 22), BLUE)):
                down, right = np.moveaxis(position + grid + shift * shifts[position], -1, 0)
                points(down, right, colour, size=4)(axes)

        return overlay

    return [
        [
            image(x, "three windows", overlay=look(0)),
            image(x, "where they look", overlay=look(1)),
            image(still, "offsets of zero: Conv", limit=1),
            image(layer(x), "pixels at the stroke", limit=1),
        ],
    ]

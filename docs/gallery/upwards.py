"""Upsampling.

Pooling and strides make images smaller; the decoders of segmentation networks and autoencoders restore the size.
MaxPoolingWithArgmax is in this group because unpooling needs its indices.
"""

import keras
import numpy as np

from docs.gallery.images import digit, flower, grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import BLUE, boxes, curves, image, points, tiles
from kzoo import layers


@page("UpSampling", "Enlarges images, by repeating pixels or by interpolation.")
def up_sampling():
    """A digit eight times larger, and one of its rows: "nearest" repeats each pixel, a staircase; "bilinear" draws
    straight lines between the pixels' centres; "bicubic" draws curves, which overshoot the values that they join,
    here to below zero. Below, a photograph of 24 x 24 pixels, four times larger by the same three modes.
    """
    x, photograph = digit(3), grey(flower(24))
    ways = ("nearest", "bilinear", "bicubic")
    digits, photographs = (
        {way: keras.layers.UpSampling2D(size, interpolation=way)(z) for way in ways}
        for z, size in ((x, 8), (photograph, 4))
    )
    return [
        [
            image(x, "digit", overlay=boxes((6, 0, 7, 8))),
            *(image(digits[way], f'"{way}"') for way in ways[:2]),
            curves("the framed row, larger", {way: digits[way][0, 52] for way in ways}),
        ],
        [image(photograph, "photograph"), *(image(photographs[way], f'"{way}"') for way in ways)],
    ]


@page(
    "Conv2DTranspose",
    "The transpose of a strided convolution: each pixel adds a scaled copy of the kernel to a larger output.",
    'Dumoulin & Visin 2016, arXiv:1603.07285; Odena, Dumoulin & Olah 2016, "Deconvolution and checkerboard artifacts".',
)
def conv_transpose():
    """Every pixel of the digit pastes the kernel, multiplied by its brightness: with strides of the kernel's size side
    by side, with smaller strides overlapping and added. Below, a photograph made twice as large. Kernels of three
    pixels overlap unevenly at strides of 2: some positions get four copies, some two, some one, and a lattice of
    dark lines appears. With four pixels every position except at the border gets four. A tent of three pixels weighs
    its overlaps so that all positions except at the border get the same.
    """
    x, photograph = digit(3), grey(temple(32))
    down, right = np.mgrid[-1:1:7j, -1:1:7j]
    cone = np.maximum(1 - np.hypot(down, right), 0)

    def paste(x, stamp, strides):
        layer = keras.layers.Conv2DTranspose(1, len(stamp), strides, use_bias=False)
        layer.build(x.shape)
        layer.kernel.assign(stamp[:, :, None, None])
        return layer(x)

    return [
        [
            image(x, "digit"),
            image(cone, "kernel of 7 x 7 taps"),
            image(paste(x, cone, 7), "strides 7"),
            image(paste(x, cone, 4), "strides 4"),
        ],
        [
            image(photograph, "photograph, 32 x 32"),
            image(paste(photograph, np.ones((3, 3)) / 4, 2), "3 x 3 ones, strides 2", limit=1),
            image(paste(photograph, np.ones((4, 4)) / 4, 2), "4 x 4 ones, strides 2", limit=1),
            image(paste(photograph, np.outer([1, 2, 1], [1, 2, 1]) / 4, 2), "3 x 3 tent, strides 2", limit=1),
        ],
    ]


@page("MaxPoolingWithArgmax")
def max_pooling_with_argmax():
    """The windows of 2 x 2 pixels of a digit, with a dot on the largest pixel of each; the largest values; and the
    indices that the layer also returns, counted from 0 along the rows of 8 pixels: the first, 9, is row 1, column 1.
    Of equal pixels, as in the black windows, the first is chosen. In the last panel there is a window of 3 x 3
    pixels around every pixel, and a dot is the larger the more windows chose its pixel: few pixels are the maximum
    of many windows.
    """
    x = digit(3)
    values, indices = layers.MaxPoolingWithArgmax2D(2)(x)
    _, overlapping = layers.MaxPoolingWithArgmax2D(3, strides=1, padding="same")(x)
    wins = np.bincount(np.ravel(overlapping), minlength=64)

    def chosen(axes):
        boxes(*((i, j, i + 2, j + 2) for i in range(0, 8, 2) for j in range(0, 8, 2)))(axes)
        points(*np.divmod(indices, 8), BLUE)(axes)

    def numbers(axes):
        for (row, column), index in np.ndenumerate(np.squeeze(indices)):
            axes.text(column, row, str(index), color=BLUE, ha="center", va="center")

    return [
        [
            image(x, "2 x 2 pixels, the largest", overlay=chosen),
            image(values, "their values", limit=1),
            image(np.ones((4, 4)), "their indices", overlay=numbers),
            image(x, "3 x 3 pixels around each", overlay=points(*np.divmod(np.arange(64), 8), BLUE, size=8 * wins)),
        ],
    ]


@page("MaxUnpooling")
def max_unpooling():
    """Above, a digit, the largest value of each 2 x 2 pixels with its position, and the values returned to these
    positions, with zeros around them; `UpSampling2D`, which does not know the positions, fills every window with its
    value. Below, a photograph pooled twice and unpooled twice, the last indices first. Its sizes are odd, and a
    third input sets the size to restore. About one pixel in sixteen is left, each where it was the brightest;
    convolutions fill in the rest.
    """
    x, photograph = digit(3), grey(temple(63))
    pool = layers.MaxPoolingWithArgmax2D(2, padding="same")
    unpool = layers.MaxUnpooling2D(2, padding="same")
    values, indices = pool(x)
    half, first = pool(photograph)
    quarter, second = pool(half)
    half_back = unpool([quarter, second, half])
    back = unpool([half_back, first, photograph])
    return [
        [
            image(x, "digit", overlay=points(*np.divmod(indices, 8), BLUE)),
            image(values, "pooled: 4 x 4"),
            image(unpool([values, indices]), "unpooled: 8 x 8"),
            image(keras.layers.UpSampling2D(2)(values), "by UpSampling: 8 x 8"),
        ],
        [
            image(photograph, "photograph, 63 x 63"),
            image(quarter, "pooled twice: 16 x 16"),
            image(half_back, "unpooled: 32 x 32"),
            image(back, "again: 63 x 63"),
        ],
    ]


@page("PixelShuffle")
def pixel_shuffle():
    """Four small maps become one of twice the size: each gives every block of 2 x 2 pixels one of its corners.

    Above, four maps of one value each, and the block pattern that they make together. Below, the four maps are a
    photograph at half its size, shifted by one pixel in either direction; shuffled, they are the photograph again.
    """
    values = np.array([0.1, 0.35, 0.6, 0.85], "float32")
    constant = np.broadcast_to(values, (1, 4, 4, 4))
    photograph = grey(temple(64))
    small = layers.PixelUnshuffle2D(2)(photograph)
    shuffle = layers.PixelShuffle2D(2)
    return [
        [
            tiles(np.moveaxis(constant[0], -1, 0), "four maps", 2, limit=1),
            image(shuffle(constant), "shuffled", limit=1, overlay=boxes((2, 2, 4, 4))),
        ],
        [tiles(np.moveaxis(small[0], -1, 0), "four maps", 2, limit=1), image(shuffle(small), "shuffled")],
    ]


@page("PixelUnshuffle")
def pixel_unshuffle():
    """A photograph of 64 x 64 pixels becomes four maps of 32 x 32: no pixel is lost, unlike with pooling or strides.

    Each map has one corner of every block of 2 x 2 pixels; in the enlarged corner of the photograph the blocks are
    framed. Next to the maps what max pooling and a stride of 2 keep.
    """
    photograph = grey(temple(64))
    corner = np.asarray(photograph)[:, 24:32, 24:32]
    maps = layers.PixelUnshuffle2D(2)(photograph)
    frames = [(row, column, row + 2, column + 2) for row in range(0, 8, 2) for column in range(0, 8, 2)]
    return [
        [
            image(photograph, "photograph", overlay=boxes((24, 24, 32, 32))),
            image(corner, "blocks", overlay=boxes(*frames)),
        ],
        [
            tiles(np.moveaxis(maps[0], -1, 0), "unshuffled", 2, limit=1),
            image(keras.layers.MaxPooling2D(2)(photograph), "max pooling"),
            image(np.asarray(photograph)[:, ::2, ::2], "a stride of 2"),
        ],
    ]

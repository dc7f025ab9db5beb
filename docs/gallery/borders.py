"""Borders.

What an image is assumed to be beyond its border decides the response of a convolution there.
"""

import keras
import numpy as np

from docs.gallery.images import grey, roof, temple
from docs.gallery.pages import page
from docs.gallery.panels import boxes, image
from kzoo import layers, ops


@page(
    "ZeroPadding",
    "Adds zeros around an image.",
    'Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.5.',
)
def zero_padding():
    """A photograph with zeros around it, then with a different number of zeros at each side; the frame is the
    photograph's border. Below, three successive blurs by 9 x 9 pixels. Without zeros each removes eight rows and
    columns. With four zeros at each side before each blur the map keeps its size, but the zeros are blurred into it
    and darken its border.
    """
    x = temple(64)
    around = keras.layers.ZeroPadding2D(4)
    aside = keras.layers.ZeroPadding2D(((0, 8), (48, 16)))
    blur = keras.layers.DepthwiseConv2D(9, use_bias=False)
    blur.build(x.shape)
    blur.set_weights([ops.filters.gaussian(9, 2, channels=3).reshape(9, 9, 3, 1)])
    plain, padded = blur(blur(blur(x))), blur(around(blur(around(blur(around(x))))))
    return [
        [
            image(x, "64 x 64 pixels"),
            image(around(x), "4 at each side", overlay=boxes((4, 4, 68, 68))),
            image(aside(x), "rows 0 and 8, columns 48 and 16", overlay=boxes((0, 48, 64, 112))),
        ],
        [
            image(blur(x), "blurred: 56 x 56"),
            image(plain, "three times: 40 x 40"),
            image(blur(around(x)), "padded, blurred: 64 x 64"),
            image(padded, "three times: 64 x 64"),
        ],
    ]


@page("Padding")
def padding():
    """A photograph padded by 24 pixels in the layer's four modes; the frame is the photograph's border. Zeros are
    black, "circular" continues with the opposite side, "reflect" mirrors, "replicate" repeats the last pixel. Below,
    the response of an edge filter, on one scale: the border itself where zeros or the opposite side begin, nothing
    where the image was mirrored, and streaks but no border where the last pixel was repeated.
    """
    x = temple(64)
    sobel = layers.Conv2D(2, 3, use_bias=False)
    sobel.build((1, 64, 64, 1))
    sobel.kernel.assign(ops.filters.sobel())
    rows = [[], []]
    for mode in ("zeros", "circular", "reflect", "replicate"):
        pad = layers.Padding2D(24, mode)
        edges = np.linalg.norm(sobel(pad(grey(x))), axis=-1)
        rows[0].append(image(pad(x), f'"{mode}"', overlay=boxes((24, 24, 88, 88))))
        rows[1].append(image(edges, f'edges, "{mode}"', limit=2))
    return rows


@page("Cropping", "Removes rows and columns at the sides of an image.")
def cropping():
    """A photograph, and two crops of it at the frames: the same number of pixels from each side, or a different number
    for each side. Below, what crops are used for: a blur without padding has lost six pixels at each side, and the
    photograph has to be cropped by as many before the blur can be subtracted. What remains are the details.
    """
    x = roof()
    middle = keras.layers.Cropping2D(24)
    part = keras.layers.Cropping2D(((48, 8), (4, 32)))
    z = grey(x)
    blur = layers.Conv2D(1, 13, use_bias=False)
    blur.build(z.shape)
    blur.kernel.assign(ops.filters.gaussian(13))
    small, blurred = keras.layers.Cropping2D(6)(z), blur(z)
    return [
        [
            image(x, "photograph", overlay=boxes((24, 24, 72, 72))),
            image(middle(x), "24 from each side"),
            image(x, "photograph", overlay=boxes((48, 4, 88, 64))),
            image(part(x), "rows 48 and 8, columns 4 and 32"),
        ],
        [
            image(z, "96 x 96 pixels", overlay=boxes((6, 6, 90, 90))),
            image(blurred, "blurred: 84 x 84"),
            image(small, "cropped by 6: 84 x 84"),
            image(small - blurred, "cropped less blurred", limit=0.4),
        ],
    ]

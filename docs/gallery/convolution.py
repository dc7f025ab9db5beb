"""Convolution.

A kernel is laid on every place of an image, and what it finds is a map.

Source: none.
"""

import numpy as np

from docs.gallery.images import grey, temple
from docs.gallery.pages import page
from docs.gallery.panels import image, tiles
from kzoo import layers, ops


@page("Conv")
def conv():
    """A photograph under two kernels that find edges, then under strides, dilation, and two of the paddings.

    Blue is above zero, red below. Strides look at every third place, dilation at cells three apart; "full" has a value
    wherever kernel and image touch, "valid" only where the kernel lies inside.
    """
    x = grey(temple())
    kernel = ops.filters.sobel()

    def edges(**settings):
        layer = layers.Conv2D(2, 3, use_bias=False, **settings)
        layer.build(x.shape)
        layer.kernel.assign(kernel)
        return layer(x)[0, :, :, 1]

    return [
        [
            image(x, "photograph"),
            tiles(np.moveaxis(kernel[:, :, 0], -1, 0), "kernels"),
            image(edges(), "along the columns"),
        ],
        [
            image(edges(strides=3), "strides 3"),
            image(edges(dilation_rate=3), "dilation 3"),
            image(edges(padding="full"), 'padding "full"'),
            image(edges(padding="reflect"), 'padding "reflect"'),
        ],
    ]

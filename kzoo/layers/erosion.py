"""Greyscale erosion with a trained structuring element.

Source: as `kzoo.ops.erosion`.
"""

import keras

from kzoo.layers.dilation import BaseMorphology
from kzoo.ops.erosion import erosion


@keras.saving.register_keras_serializable("kzoo")
class Erosion2D(BaseMorphology):
    """Greyscale erosion: the minimum over each window of the input minus a trained mirrored kernel, for each channel.

    Dark regions grow by the shape of the kernel.
    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first.
    Weights: kernel (*kernel_size, C), by default zeros, with which the output is the minimum of each window.
    Arguments: as `Dilation2D`.

    >>> tuple(Erosion2D(3, strides=2)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 4, 3, 3)
    """

    def op(self, x, kernel, *geometry):
        return erosion(x, kernel, *geometry)

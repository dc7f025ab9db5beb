"""Greyscale erosion with a trained structuring kernel.

Source: as `kzoo.ops.erosion`.
"""

import keras

from kzoo.layers.dilation import Morphology
from kzoo.ops.erosion import erosion


@keras.saving.register_keras_serializable("kzoo")
class Erosion2D(Morphology):
    """Greyscale erosion of each channel: dark places grow by the kernel's shape.

    Shapes: (B, H, W, C) -> (B, H', W', C), or channels first. Weights: kernel (*kernel_size, C), by default zeros,
    which give the minimum of each window. Arguments, errors: as `Dilation2D`. Source: as `kzoo.ops.erosion`.

    >>> tuple(Erosion2D(3, strides=2)(keras.ops.ones((1, 9, 8, 3))).shape)
    (1, 4, 3, 3)
    """

    def op(self, x, kernel, *geometry):
        return erosion(x, kernel, *geometry)

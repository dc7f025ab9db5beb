"""Greyscale erosion: the minimum over each window of the input minus the mirrored structuring kernel.

The definition is that of `tf.nn.erosion2d`, which XLA does not compile.

Source: Serra 1982, "Image analysis and mathematical morphology".
"""

from keras import ops

from kzoo.ops.dilation import largest_sum, morphology_operands
from kzoo.types import Padding, Size, Tensor


def erosion(x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1) -> Tensor:
    """Returns the dual of `dilation`: minus the dilation of -x by the kernel mirrored on every spatial axis.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C), in 1 to 3 spatial axes; returns (B, *output, C) in x's
    dtype. With a kernel of zeros this is min pooling. Padding and gradient are those of `dilation`.

    >>> erosion([[[5.0], [2.0], [5.0]]], [[0.0], [0.0], [1.0]], padding="same")[0, :, 0].numpy()
    array([2., 2., 1.], dtype=float32)
    """
    x, kernel, win = morphology_operands("erosion", "Erosion2D", x, kernel, strides, padding, dilations)
    for axis in range(len(kernel.shape) - 1):  # one by one: Keras 3.8 flips no tuple of axes
        kernel = ops.flip(kernel, axis)
    return -largest_sum(-x, kernel, win=win)

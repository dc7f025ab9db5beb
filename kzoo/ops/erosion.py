"""Greyscale erosion: the smallest difference of a cell and the mirrored structuring kernel's entry.

Source: Serra 1982, "Image analysis and mathematical morphology"; the definition is that of `tf.nn.erosion2d`, which
XLA does not compile.
"""

from keras import ops

from kzoo.ops.dilation import largest_sum, structured


def erosion(x, kernel, strides=1, padding="valid", dilations=1):
    """The dual of `dilation`: minus the dilation of -x by the kernel mirrored on every spatial axis.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C), in 1 to 3 spatial axes; returns (B, *output, C) in x's
    dtype. A kernel of zeros gives the minimum of the window. Units, padding, errors: as `dilation`.

    >>> erosion([[[5.0], [2.0], [5.0]]], [[0.0], [0.0], [1.0]], padding="same")[0, :, 0].numpy()
    array([2., 2., 1.], dtype=float32)
    """
    x, kernel, win = structured("erosion", "Erosion2D", x, kernel, strides, padding, dilations)
    mirrored = ops.flip(kernel, tuple(range(len(kernel.shape) - 1)))
    return -largest_sum(-x, mirrored, win=win)

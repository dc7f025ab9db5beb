"""Greyscale dilation: the largest sum of a cell and the structuring kernel's entry.

The definition is that of `tf.nn.dilation2d`, which XLA does not compile.

Source: Serra 1982, "Image analysis and mathematical morphology".
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, spatial_rank, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.views import largest
from kzoo.ops.xla import island


def dilation(x, kernel, strides=1, padding="valid", dilations=1):
    """max over offsets o of x[p * stride + o * dilation] + kernel[o], on each channel.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C), in 1 to 3 spatial axes; returns (B, *output, C) in x's
    dtype. A kernel of zeros gives the maximum of the window. Units: cells. padding: as `conv`; cells that zeros
    padding made take no part. Of equal sums the first offset receives the gradient; NaN wins.
    Errors: ValueError that names the argument, what is expected and what came.

    >>> dilation([[[0.0], [2.0], [0.0]]], [[0.0], [0.0], [-1.0]], padding="same")[0, :, 0].numpy()
    array([1., 2., 2.], dtype=float32)
    """
    x, kernel, win = structured("dilation", "Dilation2D", x, kernel, strides, padding, dilations)
    return largest_sum(x, kernel, win=win)


def structured(who, layer, x, kernel, strides, padding, dilations):
    """The operands of a morphological op as tensors, and its window, all checked."""
    x, kernel = tensors(who, layer, x, kernel)
    rank = spatial_rank(who, x.shape)
    check_floating(who, x)
    fits = len(kernel.shape) == rank + 1 and kernel.shape[-1] == x.shape[-1]
    require(fits, who, "kernel (*size, channels)", x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x and kernel", x=x, kernel=kernel)
    return x, kernel, pool_window(who, x, tuple(kernel.shape[:-1]), strides, padding, dilations)


@island
def largest_sum(x, kernel, *, win):
    """The largest of each window's cells plus the kernel's entries."""
    views = win.views(win.pad(x, -float("inf")), win.output(ops.shape(x)[1:-1]))
    return largest(view + kernel[offset] for offset, view in views)

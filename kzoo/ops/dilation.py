"""Greyscale dilation: the maximum over each window of the input plus a structuring kernel.

The definition is that of `tf.nn.dilation2d`, which XLA does not compile.

Source: Serra 1982, "Image analysis and mathematical morphology".
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, spatial_rank, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.views import maximum
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def dilation(x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1) -> Tensor:
    """Returns the max over offsets o of x[p * stride + o * dilation] + kernel[o], for each channel.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C), in 1 to 3 spatial axes; returns (B, *output, C) in x's
    dtype. With a kernel of zeros this is max pooling. padding: as `conv`; zero padding is left out of the maximum. Of
    equal sums the first offset receives the gradient; NaN wins.

    >>> dilation([[[0.0], [2.0], [0.0]]], [[0.0], [0.0], [-1.0]], padding="same")[0, :, 0].numpy()
    array([1., 2., 2.], dtype=float32)
    """
    x, kernel, win = morphology_operands("dilation", "Dilation2D", x, kernel, strides, padding, dilations)
    return largest_sum(x, kernel, win=win)


def morphology_operands(who, layer, x, kernel, strides, padding, dilations):
    """Returns the operands of a morphological op as tensors, and its window, all checked."""
    x, kernel = tensors(who, layer, x, kernel)
    rank = spatial_rank(who, x.shape)
    check_floating(who, x)
    fits = len(kernel.shape) == rank + 1 and kernel.shape[-1] == x.shape[-1]
    require(fits, who, "kernel (*size, channels)", x=tuple(x.shape), kernel=tuple(kernel.shape))
    check_one_dtype(who, "x and kernel", x=x, kernel=kernel)
    win = pool_window(who, x, tuple(kernel.shape[:-1]), strides, padding, dilations)
    return after_checks(x), kernel, win


@island
def largest_sum(x, kernel, *, win):
    """Returns the maximum over each window of the input plus the kernel."""
    views = win.views(win.pad(x, -float("inf")), win.output(ops.shape(x)[1:-1]))
    return maximum(view + kernel[offset] for offset, view in views)

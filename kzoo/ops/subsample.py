"""Subsampling, LeNet's pooling: sums of windows times a trained coefficient for each channel.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.ops.pool_window import pool_window
from kzoo.ops.sizes import after_checks
from kzoo.ops.weighted_pool import weighted_sum
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def subsample(
    x: Tensor,
    coefficient: Tensor,
    ksize: Size = 2,
    strides: Size | None = None,
    padding: Padding = "valid",
    dilations: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Returns the sum of each window times its channel's coefficient.

    Shapes: x (B, *spatial, C) floating, in 1 to 3 spatial axes, coefficient (C,); returns (B, *output, C) in x's dtype.
    Strides default to ksize. padding: as `conv`. ceil_mode: as `max_pool_with_argmax`.

    >>> subsample([[[1.0], [2.0], [3.0], [4.0]]], [0.5])[0, :, 0].numpy()
    array([1.5, 3.5], dtype=float32)
    """
    x, coefficient = tensors("subsample", "Subsampling2D", x, coefficient)
    check_floating("subsample", x)
    win = pool_window("subsample", x, ksize, strides, padding, dilations, ceil_mode)
    x = after_checks(x)
    fits = tuple(coefficient.shape) == (x.shape[-1],)
    require(fits, "subsample", "coefficient (channels,)", x=tuple(x.shape), coefficient=tuple(coefficient.shape))
    check_one_dtype("subsample", "x and coefficient", x=x, coefficient=coefficient)
    return _subsample(x, coefficient, win=win)


@island
def _subsample(x, coefficient, *, win):
    dtype = sum_dtype(x.dtype)
    total = weighted_sum(win.pad(ops.cast(x, dtype)), [(1.0,) * k for k in win.size], win)
    return ops.cast(total * ops.cast(coefficient, dtype), x.dtype)

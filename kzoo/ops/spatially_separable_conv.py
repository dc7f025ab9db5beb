"""Spatially separable convolution: kernels that are sums of a few outer products of one-dimensional kernels.

An outer product costs the sum of its sizes instead of their product: one convolution along the first axis, then
weighted sums along the others.

Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.8; Rigamonti et al. 2013, "Learning separable
filters", for sums of several.
"""

from collections.abc import Sequence

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_one_dtype, spatial_rank, sum_dtype, tensors
from kzoo.ops.conv import conv
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import axis_views, window
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def spatially_separable_conv(
    x: Tensor, kernels: Sequence[Tensor], strides: Size = 1, padding: Padding = "valid", dilations: Size = 1
) -> Tensor:
    """Returns the convolution of x with the kernel sum over q of kernels[0][a, c, f, q] * kernels[1][b, f, q] * ...

    Shapes: x (B, *spatial, C), in 1 to 3 spatial axes; kernels, one for each axis: the first (size, C, F, terms), the
    others (size, F, terms); returns (B, *output, F). padding: as `conv`. With as many terms as the second axis has
    taps, every two-dimensional kernel can be written this way.

    >>> column, row = [[[[1.0]]], [[[2.0]]], [[[1.0]]]], [[[-1.0]], [[0.0]], [[1.0]]]  # Sobel's
    >>> ramp = ops.tile(ops.reshape(ops.arange(4.0), (1, 1, 4, 1)), (1, 3, 1, 1))
    >>> spatially_separable_conv(ramp, [column, row])[0, 0, :, 0].numpy()
    array([8., 8.], dtype=float32)
    """
    who = "spatially_separable_conv"
    several = isinstance(kernels, (tuple, list)) and len(kernels) > 0
    require(several, who, "kernels, one for each spatial axis", kernels=kernels)
    x, first, *others = tensors(who, "SpatiallySeparableConv{}D", x, *kernels)
    rank = spatial_rank(who, x.shape)
    require(len(others) == rank - 1, who, f"kernels, one for each of {rank} spatial axes", kernels=1 + len(others))
    shapes = [tuple(kernel.shape) for kernel in (first, *others)]
    fits = len(shapes[0]) == 4 and shapes[0][1] == x.shape[-1]
    fits = fits and all(len(shape) == 3 and shape[1:] == shapes[0][2:] for shape in shapes[1:])
    expected = "kernels (size, channels, filters, terms), then (size, filters, terms)"
    require(fits, who, expected, x=tuple(x.shape), kernels=shapes)
    check_one_dtype(who, "x and kernels", x=x, **{f"kernel_{i}": kernel for i, kernel in enumerate((first, *others))})
    win = window(who, rank, tuple(shape[0] for shape in shapes), strides, padding, dilations)
    win.check(who, sizes_of(x))
    x = after_checks(x)

    size, channels, filters, terms = shapes[0]
    first_axis = [(n, *(1,) * (rank - 1)) for n in (size, win.strides[0], win.dilations[0])]
    x = conv(
        win.pad(x),
        ops.reshape(first, (*first_axis[0], channels, filters * terms)),
        first_axis[1],
        "valid",
        first_axis[2],
    )
    return _other_axes(x, *others, filters=filters, win=win)


@island
def _other_axes(x, *kernels, filters, win):
    """Returns weighted sums along the axes after the first, then over the terms; x is padded."""
    y = ops.cast(x, sum_dtype(x.dtype))
    for axis, (kernel, size, stride, dilation) in enumerate(zip(kernels, *(part[1:] for part in win[:3])), start=2):
        weights = ops.cast(ops.reshape(kernel, (size, -1)), y.dtype)
        y = sum(view * weights[o] for o, view in enumerate(axis_views(y, axis, size, stride, dilation)))
    y = ops.reshape(y, (*ops.shape(y)[:-1], filters, -1))
    return ops.cast(ops.sum(y, -1), x.dtype)

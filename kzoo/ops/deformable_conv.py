"""Deformable convolution: at each output position, every kernel tap samples the input at a shifted position.

Source: Dai et al. 2017, "Deformable convolutional networks", arXiv:1703.06211; Zhu, Hu, Lin & Dai 2019, "Deformable
ConvNets v2", arXiv:1811.11168, for the mask.
"""

import itertools
import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, check_one_dtype, sum_dtype, tensors
from kzoo.ops.conv import check_operands
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import window
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor


def deformable_conv(
    x: Tensor,
    kernel: Tensor,
    offsets: Tensor,
    mask: Tensor | None = None,
    strides: Size = 1,
    padding: Padding = "valid",
    dilations: Size = 1,
) -> Tensor:
    """Returns the convolution of x with a kernel whose taps are shifted by offsets and weighted by a mask.

    Shapes: x (B, H, W, C) floating, kernel (*size, C, F), offsets (B, H', W', 2 * taps) in pixels, for each tap in
    row-major order the shift down, then to the right; mask (B, H', W', taps) or None for ones; returns (B, H', W', F)
    in x's dtype. Between pixels x is interpolated bilinearly; beyond the image it is zero. padding: as `conv`. With
    zero offsets and no mask this is `conv`.

    >>> x, kernel = [[[[1.0], [2.0], [4.0]]]], [[[[1.0]]]]
    >>> half = ops.tile(ops.convert_to_tensor([0.0, 0.5]), (1, 1, 3, 1))
    >>> deformable_conv(x, kernel, half).numpy().ravel()
    array([1.5, 3. , 2. ], dtype=float32)
    """
    who = "deformable_conv"
    x, kernel, offsets = tensors(who, "DeformableConv2D", x, kernel, offsets)
    rank = check_operands(who, x, kernel, "(height, width, channels, filters)")
    require(rank == 2, who, "x (batch, height, width, channels)", shape=tuple(x.shape))
    check_floating(who, x)
    channels = kernel.shape[2] == x.shape[-1]
    expected = "kernel channels equal to the input's"
    require(channels, who, expected, channels=x.shape[-1], kernel=tuple(kernel.shape))
    win = window(who, 2, tuple(kernel.shape[:2]), strides, padding, dilations)
    win.check(who, sizes_of(x))
    x = after_checks(x)
    taps, output = math.prod(win.size), win.output(x.shape[1:-1])
    _check_shape(who, "offsets", offsets, x, (x.shape[0], *output, 2 * taps))
    parts = [offsets]
    if mask is not None:
        (mask,) = tensors(who, "DeformableConv2D", mask)
        _check_shape(who, "mask", mask, x, (x.shape[0], *output, taps))
        parts.append(mask)
    return _deformable_conv(x, kernel, *parts, win=win)


def _check_shape(who, name, tensor, x, shape):
    fits = len(tensor.shape) == 4 and all(a == b or None in (a, b) for a, b in zip(tensor.shape, shape))
    require(fits, who, f"{name} of shape {shape}", **{name: tuple(tensor.shape)})
    check_one_dtype(who, f"x and {name}", x=x, **{name: tensor})


@island
def _deformable_conv(x, kernel, offsets, *masks, win):
    padded, output = win.pad(x), win.output(ops.shape(x)[1:-1])
    dtype, taps = sum_dtype(x.dtype), math.prod(win.size)
    tap_positions = list(itertools.product(*(range(0, k * d, d) for k, d in zip(win.size, win.dilations))))
    shifts = ops.reshape(ops.cast(offsets, dtype), (-1, *output, taps, 2))
    coordinates = []
    for axis, (n, stride) in enumerate(zip(output, win.strides)):
        start = ops.reshape(ops.arange(n, dtype=dtype) * stride, [-1 if i == axis else 1 for i in range(3)])
        coordinates.append(
            start + ops.convert_to_tensor([float(o[axis]) for o in tap_positions], dtype) + shifts[..., axis]
        )
    patches = sample_linearly(ops.cast(padded, dtype), *coordinates)  # (B, H', W', taps, C)
    for mask in masks:
        patches = patches * ops.cast(mask, dtype)[..., None]
    patches = ops.cast(ops.reshape(patches, (-1, *output, taps * x.shape[-1])), x.dtype)
    return ops.matmul(patches, ops.reshape(kernel, (taps * x.shape[-1], kernel.shape[-1])))


def sample_linearly(x, rows, columns):
    """Returns x at fractional rows and columns, bilinearly interpolated and zero beyond the image.

    Shapes: x (B, H, W, C), rows and columns (B, ...); returns (B, ..., C).
    """
    batch, height, width, channels = ops.shape(x)
    pixels = ops.reshape(x, (-1, channels))
    lead = [-1] + [1] * (len(rows.shape) - 1)
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), lead)
    top, left = ops.floor(rows), ops.floor(columns)
    # weights from the fraction: 1 - |distance| is equal, but has gradient 0 at whole pixels, where training starts
    down, right = rows - top, columns - left
    total, dtype = 0.0, rows.dtype
    for i, j in itertools.product((0, 1), (0, 1)):
        row, column = top + i, left + j
        weight = (down if i else 1 - down) * (right if j else 1 - right)
        inside = (row >= 0) & (row < ops.cast(height, dtype)) & (column >= 0) & (column < ops.cast(width, dtype))
        index = [ops.cast(ops.where(inside, part, 0), "int32") for part in (row, column)]  # NaN lies outside too
        values = ops.take(pixels, first + index[0] * width + index[1], 0)
        total = total + ops.where(inside, weight, 0)[..., None] * values
    return total

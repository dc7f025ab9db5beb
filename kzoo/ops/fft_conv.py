"""Convolution by the Fourier transform: one product for each frequency instead of a sum over the kernel's taps.

Source: Mathieu, Henaff & LeCun 2014, "Fast training of convolutional networks through FFTs", arXiv:1312.5851;
Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.8.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, irfftn, rfftn, sum_dtype, tensors
from kzoo.ops.conv import check_operands
from kzoo.ops.sizes import after_checks, sizes_of
from kzoo.ops.views import offset_slice, window
from kzoo.ops.xla import island
from kzoo.types import Padding, Size, Tensor

LONGEST_MATRIX = 300  # padded size; in 2D, matrices and fast transforms cost the same at about 350


def fft_conv(x: Tensor, kernel: Tensor, strides: Size = 1, padding: Padding = "valid", dilations: Size = 1) -> Tensor:
    """Returns `conv` without groups, computed by Fourier transforms at a cost that hardly grows with the kernel.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C, F), in 1 or 2 spatial axes; returns (B, *output, F) in x's
    dtype, computed in float32 or wider. padding: as `conv`. Strides and dilations save no time. Rounding errors are
    relative to the largest output: about 1e-6 of it, even where an output is small.

    >>> fft_conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]])[0, :, 0].numpy().round(4)
    array([3., 5.], dtype=float32)
    """
    who = "fft_conv"
    x, kernel = tensors(who, "FFTConv{}D", x, kernel)
    rank = check_operands(who, x, kernel, "(*size, channels, filters)")
    require(rank < 3, who, "x with 1 or 2 spatial axes", shape=tuple(x.shape))  # TensorFlow lacks the gradient in 3D
    check_floating(who, x)
    expected = "kernel channels equal to the input's"
    require(kernel.shape[-2] == x.shape[-1], who, expected, channels=x.shape[-1], kernel=tuple(kernel.shape))
    win = window(who, rank, tuple(kernel.shape[:rank]), strides, padding, dilations)
    win.check(who, sizes_of(x))
    x = after_checks(x)
    return _fft_conv(x, kernel, win=win)


@island
def _fft_conv(x, kernel, *, win):
    dtype, spatial = sum_dtype(x.dtype), ops.shape(x)[1:-1]
    short = all(isinstance(n, int) and n + sum(pair) <= LONGEST_MATRIX for n, pair in zip(spatial, win.pairs(spatial)))
    run = _by_matrices if short else _by_fast_transforms
    return ops.cast(run(ops.cast(x, dtype), ops.cast(kernel, dtype), win), x.dtype)


def _by_matrices(x, kernel, win):
    """Returns the convolution by products with matrices of cosines and sines.

    The matrices include padding, strides and dilations, so that neither zeros nor unused outputs are computed. At usual
    sizes this is up to three times as fast as `_by_fast_transforms`.
    """
    pairs, output = win.pairs(x.shape[1:-1]), win.output(x.shape[1:-1])
    if win.mode != "zeros":
        x, pairs = win.pad(x), ((0, 0),) * len(pairs)
    ends = [(k - 1) * d + (m - 1) * s for k, d, m, s in zip(win.size, win.dilations, output, win.strides)]
    # the shortest circular lengths at which nothing wraps around into the outputs
    lengths = [max(a + n, end - a + 1) for (a, _), n, end in zip(pairs, x.shape[1:-1], ends)]
    positions = [a + ops.arange(n) for (a, _), n in zip(pairs, x.shape[1:-1])]
    taps = [d * ops.arange(k) for k, d in zip(win.size, win.dilations)]
    z, w = ops.moveaxis(x, 0, -2)[None], kernel[None]  # (parts, *spatial, rows, columns), one real part
    for axis, n in enumerate(lengths):
        frequencies = _frequencies(axis, n)
        z = _transform(z, axis, -_angles(frequencies, positions[axis], n, x.dtype))
        w = _transform(w, axis, _angles(frequencies, taps[axis], n, x.dtype))  # correlation takes the conjugate
    z = _product(z, w)
    for axis, n in reversed(list(enumerate(lengths))):
        frequencies, outputs = _frequencies(axis, n), win.strides[axis] * ops.arange(output[axis])
        angles = _angles(outputs, frequencies, n, x.dtype)
        if axis > 0:
            z = _transform(z, axis, angles)
    # the first axis has half the frequencies: all but 0 and the highest stand for two, and the sum is real
    share = ops.cast(ops.where(ops.equal(2 * frequencies % n, 0), 1, 2), x.dtype) / math.prod(lengths)
    y = ops.tensordot(ops.stack([ops.cos(angles), -ops.sin(angles)]) * share, z, [[0, 2], [0, 1]])
    return ops.moveaxis(y, -2, 0)


def _frequencies(axis, length):
    """Returns the frequencies of an axis of this length: half of them on the first axis, as the others mirror these."""
    return ops.arange(length // 2 + 1 if axis == 0 else length)


def _angles(rows, columns, length, dtype):
    """Returns the angle of each pair on a circle of this length; whole turns are removed exactly, before rounding."""
    return ops.cast(rows[:, None] * columns % length, dtype) * (2 * math.pi / length)


def _transform(z, axis, angles):
    """Returns z times exp(i angles), summed along a spatial axis: (2, *spatial, ...).

    Shapes: z (parts, *spatial, ...), with one part if real and two if complex.
    """
    y = ops.tensordot(ops.stack([ops.cos(angles), ops.sin(angles)]), z, [[2], [axis + 1]])
    y = ops.moveaxis(y, 1, axis + 2)  # (2, parts, *spatial, ...)
    return y[:, 0] if z.shape[0] == 1 else ops.stack([y[0, 0] - y[1, 1], y[1, 0] + y[0, 1]])


def _product(z, w):
    """Returns the complex matrix products z w at each frequency: (2, *frequencies, rows, columns)."""
    both = ops.concatenate([z[0], z[1]], -2)  # real parts of all samples, then imaginary ones
    (re_re, im_re), (re_im, im_im) = (ops.split(ops.matmul(both, part), 2, -2) for part in (w[0], w[1]))
    return ops.stack([re_re - im_im, re_im + im_re])


def _by_fast_transforms(x, kernel, win):
    """Returns the convolution by fast Fourier transforms, for all sizes, also unknown ones."""
    rank, output = len(win.size), win.output(ops.shape(x)[1:-1])
    padded = ops.moveaxis(win.pad(x), -1, 1)  # (B, C, *spatial): transforms take the last axes
    dilated = ops.moveaxis(kernel, (-2, -1), (0, 1))  # (C, F, *size)
    for axis, dilation in enumerate(win.dilations, start=2):
        dilated = _dilate(dilated, axis, dilation)
    # the padded input's size is enough: what wraps around falls into outputs that are dropped
    lengths = tuple(map(fast_length, ops.shape(padded)[2:]))
    z, w = _real_and_imaginary(rfftn(padded, lengths), rank), _real_and_imaginary(rfftn(dilated, lengths), rank)
    y = _product(z, (w[0], -w[1]))  # correlation takes the kernel's conjugate
    y = irfftn(*(ops.moveaxis(part, (-2, -1), (0, 1)) for part in (y[0], y[1])), lengths)
    y = y[(slice(None), slice(None), *(offset_slice(0, n, s) for n, s in zip(output, win.strides)))]
    y = ops.moveaxis(y, 1, -1)
    return ops.reshape(y, (*ops.shape(y)[:-1], kernel.shape[-1]))  # the transform loses the static number of channels


def _real_and_imaginary(z, rank):
    """Returns (A, B, *frequencies) complex as its real and its imaginary part (*frequencies, A, B)."""
    z = ops.moveaxis(z, (0, 1), (rank, rank + 1))
    return [ops.real(z), ops.imag(z)]


def _dilate(kernel, axis, dilation):
    """Returns the kernel with dilation - 1 zeros between its taps along an axis."""
    if dilation == 1:
        return kernel
    shape = list(kernel.shape)
    gaps = [(0, 0)] * (axis + 1) + [(0, dilation - 1)] + [(0, 0)] * (len(shape) - axis - 1)
    spaced = ops.pad(ops.expand_dims(kernel, axis + 1), gaps)
    size = shape[axis] * dilation
    spaced = ops.reshape(spaced, (*shape[:axis], size, *shape[axis + 1 :]))
    return spaced[(slice(None),) * axis + (slice(0, size - dilation + 1),)]


def fast_length(size):
    """Returns the smallest length of at least `size` whose Fourier transform is fast; an unknown size as it is."""
    from scipy.fft import next_fast_len  # here, for a quick `import kzoo`

    return next_fast_len(size, real=True) if isinstance(size, int) else size

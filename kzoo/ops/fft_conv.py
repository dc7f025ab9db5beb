"""Convolution by the Fourier transform: a product a frequency instead of a sum over the kernel.

Source: Mathieu, Henaff & LeCun 2014, "Fast training of convolutional networks through FFTs", arXiv:1312.5851;
Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.8.
"""

import math

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, irfftn, rfftn, tensors, wide
from kzoo.ops.conv import check_operands
from kzoo.ops.views import tap, window
from kzoo.ops.xla import island

LONG = 300  # cells of a padded axis; in 2D matrices and fast transforms cost the same at about 350


def fft_conv(x, kernel, strides=1, padding="valid", dilations=1):
    """The same as `conv` without groups, at a cost that hardly grows with the kernel.

    Shapes: x (B, *spatial, C) floating, kernel (*size, C, F), in 1 or 2 spatial axes; returns (B, *output, F) in x's
    dtype; computed in float32 or wider. Units, padding: as `conv`. A stride or dilation saves nothing here.
    Rounding is that of the largest output: some 1e-6 of it, also where an output is small.
    Errors: ValueError that names the argument, what is expected and what came.

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
    win.check(who, x.shape[1:-1])
    return _fft_conv(x, kernel, win=win)


@island
def _fft_conv(x, kernel, *, win):
    dtype, spatial = wide(x.dtype), ops.shape(x)[1:-1]
    short = all(isinstance(n, int) and n + sum(pair) <= LONG for n, pair in zip(spatial, win.pairs(spatial)))
    run = _by_matrices if short else _by_fast_transforms
    return ops.cast(run(ops.cast(x, dtype), ops.cast(kernel, dtype), win), x.dtype)


def _by_matrices(x, kernel, win):
    """A transform is a product with a matrix of cosines and sines, which holds padding, strides and dilations as well.

    Up to three times as fast as fast transforms at usual sizes: no zeros are transformed, nor outputs made that nobody
    wants.
    """
    pairs, output = win.pairs(x.shape[1:-1]), win.output(x.shape[1:-1])
    if win.mode != "zeros":
        x, pairs = win.pad(x), ((0, 0),) * len(pairs)
    ends = [(k - 1) * d + (m - 1) * s for k, d, m, s in zip(win.size, win.dilations, output, win.strides)]
    # the shortest circles on which nothing else falls into the outputs
    lengths = [max(a + n, end - a + 1) for (a, _), n, end in zip(pairs, x.shape[1:-1], ends)]
    places = [a + ops.arange(n) for (a, _), n in zip(pairs, x.shape[1:-1])]
    cells = [d * ops.arange(k) for k, d in zip(win.size, win.dilations)]
    z, w = ops.moveaxis(x, 0, -2)[None], kernel[None]  # (parts, *spatial, rows, columns): as yet without imaginary part
    for axis, n in enumerate(lengths):
        frequencies = _frequencies(axis, n)
        z = _rotate(z, axis, -_angles(frequencies, places[axis], n, x.dtype))
        w = _rotate(w, axis, _angles(frequencies, cells[axis], n, x.dtype))  # correlation takes the conjugate
    z = _product(z, w)
    for axis, n in reversed(list(enumerate(lengths))):
        frequencies, wanted = _frequencies(axis, n), win.strides[axis] * ops.arange(output[axis])
        angles = _angles(wanted, frequencies, n, x.dtype)
        if axis > 0:
            z = _rotate(z, axis, angles)
    # the first axis has half the frequencies: all but 0 and the highest stand for two, and the sum is real
    share = ops.cast(ops.where(2 * frequencies % n == 0, 1, 2), x.dtype) / math.prod(lengths)
    y = ops.tensordot(ops.stack([ops.cos(angles), -ops.sin(angles)]) * share, z, [[0, 2], [0, 1]])
    return ops.moveaxis(y, -2, 0)


def _frequencies(axis, length):
    """Those of an axis of this length; of the first axis half of them, as the other half mirrors these."""
    return ops.arange(length // 2 + 1 if axis == 0 else length)


def _angles(rows, columns, length, dtype):
    """The angle of each pair on a circle of this length; whole turns are taken off exactly."""
    return ops.cast(rows[:, None] * columns % length, dtype) * (2 * math.pi / length)


def _rotate(z, axis, angles):
    """z (parts, *spatial, ...) real or complex, times exp(i angles) summed along a spatial axis: (2, *spatial, ...)."""
    y = ops.tensordot(ops.stack([ops.cos(angles), ops.sin(angles)]), z, [[2], [axis + 1]])
    y = ops.moveaxis(y, 1, axis + 2)  # (2, parts, *spatial, ...)
    return y[:, 0] if z.shape[0] == 1 else ops.stack([y[0, 0] - y[1, 1], y[1, 0] + y[0, 1]])


def _product(z, w):
    """The complex matrix products z w of each frequency: (2, *frequencies, rows, columns)."""
    both = ops.concatenate([z[0], z[1]], -2)  # real parts of all samples, then imaginary ones
    (re_re, im_re), (re_im, im_im) = (ops.split(ops.matmul(both, part), 2, -2) for part in (w[0], w[1]))
    return ops.stack([re_re - im_im, re_im + im_re])


def _by_fast_transforms(x, kernel, win):
    """Any lengths, also those that are not known."""
    rank, output = len(win.size), win.output(ops.shape(x)[1:-1])
    padded = ops.moveaxis(win.pad(x), -1, 1)  # (B, C, *spatial): transforms take the last axes
    spread = ops.moveaxis(kernel, (-2, -1), (0, 1))  # (C, F, *size)
    for axis, dilation in enumerate(win.dilations, start=2):
        spread = _dilate(spread, axis, dilation)
    # beyond the padded input's size nothing is needed: what wraps around falls into outputs that are dropped
    lengths = tuple(map(fast_length, ops.shape(padded)[2:]))
    z, w = _split(rfftn(padded, lengths), rank), _split(rfftn(spread, lengths), rank)
    y = _product(z, (w[0], -w[1]))  # correlation takes the kernel's conjugate
    y = irfftn(*(ops.moveaxis(part, (-2, -1), (0, 1)) for part in (y[0], y[1])), lengths)
    y = y[(slice(None), slice(None), *(tap(0, n, s) for n, s in zip(output, win.strides)))]
    y = ops.moveaxis(y, 1, -1)
    return ops.reshape(y, (*ops.shape(y)[:-1], kernel.shape[-1]))  # the transform forgets the number of channels


def _split(z, rank):
    """(A, B, *frequencies) complex -> real and imaginary parts (*frequencies, A, B)."""
    z = ops.moveaxis(z, (0, 1), (rank, rank + 1))
    return [ops.real(z), ops.imag(z)]


def _dilate(kernel, axis, dilation):
    """Put dilation - 1 zeros between the kernel's cells along an axis."""
    if dilation == 1:
        return kernel
    shape = list(kernel.shape)
    gaps = [(0, 0)] * (axis + 1) + [(0, dilation - 1)] + [(0, 0)] * (len(shape) - axis - 1)
    wide_apart = ops.pad(ops.expand_dims(kernel, axis + 1), gaps)
    size = shape[axis] * dilation
    wide_apart = ops.reshape(wide_apart, (*shape[:axis], size, *shape[axis + 1 :]))
    return wide_apart[(slice(None),) * axis + (slice(0, size - dilation + 1),)]


def fast_length(size):
    """The least length of at least `size` that a Fourier transform does fast; an unknown size as it is."""
    from scipy.fft import next_fast_len  # here, for a quick `import kzoo`

    return next_fast_len(size, real=True) if isinstance(size, int) else size

"""Convolution by the Fourier transform: a product a frequency instead of a sum over the kernel.

Source: Mathieu, Henaff & LeCun 2014, "Fast training of convolutional networks through FFTs", arXiv:1312.5851;
Goodfellow, Bengio & Courville 2016, "Deep Learning", section 9.8.
"""

from keras import ops

from kzoo.checks import require
from kzoo.ops.backend import check_floating, irfftn, rfftn, tensors, wide
from kzoo.ops.conv import check_operands
from kzoo.ops.views import tap, window
from kzoo.ops.xla import island


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
    rank, output = len(win.size), win.output(ops.shape(x)[1:-1])
    padded = ops.moveaxis(win.pad(ops.cast(x, wide(x.dtype))), -1, 1)  # (B, C, *spatial): transforms take the last axes
    spread = ops.moveaxis(ops.cast(kernel, padded.dtype), (-2, -1), (0, 1))  # (C, F, *size)
    for axis, dilation in enumerate(win.dilations, start=2):
        spread = _dilate(spread, axis, dilation)
    # beyond the padded input's size nothing is needed: what wraps around falls into outputs that are dropped
    lengths = tuple(map(fast_length, ops.shape(padded)[2:]))
    both = ops.concatenate(_split(rfftn(padded, lengths), rank), -2)  # real parts of all samples, then imaginary ones
    (re_re, im_re), (re_im, im_im) = (
        ops.split(ops.matmul(both, part), 2, -2) for part in _split(rfftn(spread, lengths), rank)
    )
    re, im = re_re + im_im, im_re - re_im  # correlation takes the kernel's conjugate
    y = irfftn(*(ops.moveaxis(part, (-2, -1), (0, 1)) for part in (re, im)), lengths)
    y = y[(slice(None), slice(None), *(tap(0, n, s) for n, s in zip(output, win.strides)))]
    y = ops.cast(ops.moveaxis(y, 1, -1), x.dtype)
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

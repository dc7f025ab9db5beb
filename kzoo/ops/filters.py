"""Kernels that nobody has to learn: Sobel, difference, Gaussian and Gabor, for `conv` and every layer built on it.

Source: Sobel & Feldman 1968 (as `tf.image.sobel_edges` has them); Goodfellow, Bengio & Courville 2016, "Deep
Learning", section 9.2, figure 9.6 (difference) and section 9.10, equation 9.16 (Gabor).
"""

import math

import numpy as np
from keras import backend, ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import tensors
from kzoo.ops.gaussian_pool import as_sigma, gaussian_weights
from kzoo.ops.views import as_tuple


def sobel(channels=1):
    """Sobel's two kernels: the change down the rows, then along the columns.

    Shapes: returns (3, 3, 1, 2 * channels) float32, for `conv` in one group a channel: output 2 c is the change down
    the rows of channel c, 2 c + 1 that along its columns. Source: as `tf.image.sobel_edges`.

    >>> sobel()[:, :, 0, 1]
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]], dtype=float32)
    """
    across = np.outer([1, 2, 1], [-1, 0, 1])
    return _each_channel("sobel", np.stack([across.T, across], -1), channels)


def difference(rank=2, axis=-1, channels=1):
    """The edge detector (-1, 1): each cell less the one before it.

    Shapes: returns float32, 2 on one of `rank` spatial axes and 1 on the others, then (1, channels), for `conv` in one
    group a channel. Source: Goodfellow et al. 2016, figure 9.6.

    >>> difference().shape
    (1, 2, 1, 1)
    """
    require(is_integer(rank, 1) and rank <= 3, "difference", "rank, 1, 2 or 3", rank=rank)
    good = is_integer(axis) and -rank <= axis < rank
    require(good, "difference", f"axis, one of {rank} spatial axes", axis=axis)
    kernel = np.array([-1, 1]).reshape([2 if i == axis % rank else 1 for i in range(rank)])
    return _each_channel("difference", kernel[..., None], channels)


def gaussian(size, sigma=None, channels=1):
    """A Gaussian that sums to 1.

    Shapes: size an integer (then of an image) or one an axis; returns (*size, 1, channels) float32, for `conv` in one
    group a channel. Units: sigma in cells, a number or one an axis, by default a quarter of the size.

    >>> gaussian(3, sigma=1)[1, :, 0, 0].round(3)
    array([0.124, 0.204, 0.124], dtype=float32)
    """
    rank = len(size) if isinstance(size, (tuple, list)) else 2
    require(1 <= rank <= 3, "gaussian", "size of 1 to 3 axes", size=size)
    size = as_tuple("gaussian", "size", size, rank)
    kernel = 1.0
    for vector in gaussian_weights(size, as_sigma("gaussian", sigma, size)):
        kernel = np.multiply.outer(kernel, vector)
    return _each_channel("gaussian", kernel[..., None], channels)


def _each_channel(who, kernels, channels):
    """(*size, n) -> (*size, 1, n * channels): the same n kernels for each channel."""
    require(is_integer(channels, least=1), who, "channels, an integer above 0", channels=channels)
    return np.concatenate([kernels[..., None, :]] * channels, -1).astype("float32")


PARAMETERS = ("alpha", "beta_x", "beta_y", "frequency", "phase", "x0", "y0", "tau")


def gabor(ksize, alpha, beta_x, beta_y, frequency, phase, x0, y0, tau, zero_mean=False):
    """Gabor functions: alpha exp(-beta_x x'^2 - beta_y y'^2) cos(frequency x' + phase), (x', y') turned by tau.

    Shapes: parameters numbers or (F,); returns a tensor (*ksize, 1, F), for `conv` on one channel. Units: cells from
    the kernel's centre, x along the columns and y down the rows; frequency in radians a cell, phase and tau in radians.
    x' = (x - x0) cos tau + (y - y0) sin tau, y' = -(x - x0) sin tau + (y - y0) cos tau.
    zero_mean takes each function's mean over the kernel away, so that an even surface gives 0.
    Source: Goodfellow et al. 2016, equation 9.16.

    >>> gabor((1, 3), 1.0, 0.0, 0.0, 3.14159265 / 2, 0.0, 0.0, 0.0, 0.0)[0, :, 0, 0].numpy().round(3) + 0
    array([0., 1., 0.], dtype=float32)
    """
    height, width = as_tuple("gabor", "ksize", ksize, 2)
    given = (alpha, beta_x, beta_y, frequency, phase, x0, y0, tau)
    values = tensors("gabor", "GaborConv2D", *(v if hasattr(v, "dtype") else np.asarray(v, "float32") for v in given))
    filters = max((value.shape[0] for value in values if len(value.shape) == 1), default=1)
    for name, value in zip(PARAMETERS, values):
        fits = tuple(value.shape) in ((), (1,), (filters,))
        require(fits, "gabor", f"{name}, a number or (filters,)", **{name: tuple(value.shape)}, filters=filters)
    dtype = backend.result_type("float32", *(value.dtype for value in values))
    values = [ops.reshape(ops.cast(value, dtype), (1, 1, -1)) for value in values]
    alpha, beta_x, beta_y, frequency, phase, x0, y0, tau = values
    x = ops.reshape(ops.arange(width, dtype=dtype), (1, -1, 1)) - (width - 1) / 2 - x0
    y = ops.reshape(ops.arange(height, dtype=dtype), (-1, 1, 1)) - (height - 1) / 2 - y0
    along, across = x * ops.cos(tau) + y * ops.sin(tau), y * ops.cos(tau) - x * ops.sin(tau)
    kernel = alpha * ops.exp(-beta_x * along**2 - beta_y * across**2) * ops.cos(frequency * along + phase)
    return (kernel - ops.mean(kernel, (0, 1), keepdims=True) if zero_mean else kernel)[:, :, None]


def gabor_bank(filters, ksize, energy=False, zero_mean=True):
    """Parameters of `filters` Gabor functions for `gabor` and `gabor_conv`, {name: (filters,)}, each of norm 1.

    Units: cells and radians. Orientations divide half a turn, at least four of them if there are as many functions;
    each comes even and odd (with `energy`, which makes the odd ones itself, even alone); beyond that wavelengths fall
    by half octaves from the kernel's half width, down to 3 cells at the least. Widths are 0.4 wavelengths.

    >>> bank = gabor_bank(8, (9, 9))
    >>> bank["phase"][:2].round(2), bank["tau"][::2].round(2)
    (array([0.  , 1.57], dtype=float32), array([0.  , 0.79, 1.57, 2.36], dtype=float32))
    """
    require(is_integer(filters, least=1), "gabor_bank", "filters, an integer above 0", filters=filters)
    size = as_tuple("gabor_bank", "ksize", ksize, 2)
    phases = [0.0] if energy else [0.0, math.pi / 2]
    places = math.ceil(filters / len(phases))
    half = max(min(size) - 1, 2) / 2
    most = max(int(2 * math.log2(half / 3)) + 1, 1)
    lengths = [max(half * 2 ** (-i / 2), 3.0) for i in range(min(most, max(places // 4, 1)))]
    turns = math.ceil(places / len(lengths))
    grid = [(w, math.pi * t / turns, phase) for w in lengths for t in range(turns) for phase in phases][:filters]
    wavelength, tau, phase = (np.array(column) for column in zip(*grid))
    beta, zeros = 1 / (2 * (0.4 * wavelength) ** 2), np.zeros(filters)
    values = (np.ones(filters), beta, beta, 2 * math.pi / wavelength, phase, zeros, zeros, tau)
    norm = np.sqrt(np.sum(np.asarray(gabor(size, *values, zero_mean=zero_mean)) ** 2, (0, 1, 2)))
    values = (1 / np.where(norm > 1e-6, norm, 1), *values[1:])  # a kernel of one cell less its mean is nothing
    return {name: value.astype("float32") for name, value in zip(PARAMETERS, values)}

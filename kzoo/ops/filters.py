"""Fixed kernels (Sobel, difference, Gaussian and Gabor) for `conv` and the layers built on it.

Source: Sobel & Feldman 1968 (as `tf.image.sobel_edges` has them); Goodfellow, Bengio & Courville 2016, "Deep Learning",
section 9.2, figure 9.6 (difference) and section 9.10, equation 9.16 (Gabor).
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
from keras import backend, ops

from kzoo.checks import is_integer, require
from kzoo.ops.backend import tensors
from kzoo.ops.gaussian_pool import as_sigma, gaussian_weights
from kzoo.ops.views import as_tuple
from kzoo.types import Size, Tensor


def sobel(channels: int = 1) -> np.ndarray:
    """Returns Sobel's two kernels: the derivatives down the rows and along the columns.

    Shapes: returns (3, 3, 1, 2 * channels) float32, for `conv` with one group for each channel: output 2 c is the
    change down the rows of channel c, 2 c + 1 that along its columns. Source: as `tf.image.sobel_edges`.

    >>> sobel()[:, :, 0, 1]
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]], dtype=float32)
    """
    columns = np.outer([1, 2, 1], [-1, 0, 1])
    return _each_channel("sobel", np.stack([columns.T, columns], -1), channels)


def difference(rank: int = 2, axis: int = -1, channels: int = 1) -> np.ndarray:
    """Returns the edge detector (-1, 1): each element minus the one before it.

    Shapes: returns float32, 2 on one of `rank` spatial axes and 1 on the others, then (1, channels), for `conv` with
    one group for each channel. Source: Goodfellow et al. 2016, figure 9.6.

    >>> difference().shape
    (1, 2, 1, 1)
    """
    require(is_integer(rank, 1) and rank <= 3, "difference", "rank, 1, 2 or 3", rank=rank)
    good = is_integer(axis) and -rank <= axis < rank
    require(good, "difference", f"axis, one of {rank} spatial axes", axis=axis)
    kernel = np.array([-1, 1]).reshape([2 if i == axis % rank else 1 for i in range(rank)])
    return _each_channel("difference", kernel[..., None], channels)


def gaussian(size: Size, sigma: float | Sequence[float] | None = None, channels: int = 1) -> np.ndarray:
    """Returns a Gaussian that sums to 1.

    Shapes: size an integer (a square image kernel) or one for each axis; returns (*size, 1, channels) float32, for
    `conv` with one group for each channel. sigma: a number or one for each axis, by default a quarter of the size.

    >>> gaussian(3, sigma=1)[1, :, 0, 0].round(3)
    array([0.124, 0.204, 0.124], dtype=float32)
    """
    rank = len(size) if isinstance(size, (tuple, list)) else 2
    require(1 <= rank <= 3, "gaussian", "size of 1 to 3 axes", size=size)
    size = as_tuple("gaussian", "size", size, rank)
    kernel = functools.reduce(np.multiply.outer, gaussian_weights(size, as_sigma("gaussian", sigma, size)))
    return _each_channel("gaussian", kernel[..., None], channels)


def _each_channel(who, kernels, channels):
    """Returns n kernels (*size, n), repeated for each channel: (*size, 1, n * channels)."""
    require(is_integer(channels, least=1), who, "channels, an integer above 0", channels=channels)
    return np.concatenate([kernels[..., None, :]] * channels, -1).astype("float32")


PARAMETERS = ("alpha", "beta_x", "beta_y", "frequency", "phase", "x0", "y0", "tau")


def gabor(
    ksize: Size,
    alpha: Tensor,
    beta_x: Tensor,
    beta_y: Tensor,
    frequency: Tensor,
    phase: Tensor,
    x0: Tensor,
    y0: Tensor,
    tau: Tensor,
    zero_mean: bool = False,
) -> Tensor:
    """Returns Gabor functions alpha exp(-beta_x x'^2 - beta_y y'^2) cos(frequency x' + phase).

    (x', y') is (x, y) shifted and rotated by tau: x' = (x - x0) cos tau + (y - y0) sin tau, y' = -(x - x0) sin tau + (y
    - y0) cos tau.
    Shapes: parameters numbers or (F,); returns a tensor (*ksize, 1, F), for `conv` on one channel. Units: pixels from
    the kernel's centre, x along the columns and y down the rows; frequency in radians for each pixel, phase and tau in
    radians. With zero_mean each function's mean over the kernel is subtracted, so that a constant image gives 0.
    Source: Goodfellow et al. 2016, equation 9.16.

    >>> gabor((1, 3), 1.0, 0.0, 0.0, 3.14159265 / 2, 0.0, 0.0, 0.0, 0.0)[0, :, 0, 0].numpy().round(3) + 0
    array([0., 1., 0.], dtype=float32)
    """
    height, width = as_tuple("gabor", "ksize", ksize, 2)
    parameters = (alpha, beta_x, beta_y, frequency, phase, x0, y0, tau)
    values = tensors(
        "gabor", "GaborConv2D", *(v if hasattr(v, "dtype") else np.asarray(v, "float32") for v in parameters)
    )
    filters = max((value.shape[0] for value in values if len(value.shape) == 1), default=1)
    for name, value in zip(PARAMETERS, values):
        fits = tuple(value.shape) in ((), (1,), (filters,))
        require(fits, "gabor", f"{name}, a number or (filters,)", **{name: tuple(value.shape)}, filters=filters)
    dtype = backend.result_type("float32", *(value.dtype for value in values))
    values = [ops.reshape(ops.cast(value, dtype), (1, 1, -1)) for value in values]
    alpha, beta_x, beta_y, frequency, phase, x0, y0, tau = values
    x = ops.reshape(ops.arange(width, dtype=dtype), (1, -1, 1)) - (width - 1) / 2 - x0
    y = ops.reshape(ops.arange(height, dtype=dtype), (-1, 1, 1)) - (height - 1) / 2 - y0
    x_rotated, y_rotated = x * ops.cos(tau) + y * ops.sin(tau), y * ops.cos(tau) - x * ops.sin(tau)
    kernel = alpha * ops.exp(-beta_x * x_rotated**2 - beta_y * y_rotated**2) * ops.cos(frequency * x_rotated + phase)
    return (kernel - ops.mean(kernel, (0, 1), keepdims=True) if zero_mean else kernel)[:, :, None]


def gabor_bank(filters: int, ksize: Size, energy: bool = False, zero_mean: bool = True) -> dict[str, np.ndarray]:
    """Returns the parameters of Gabor functions of norm 1 for `gabor` and `gabor_conv`: {name: (filters,)}.

    Units: pixels and radians. Orientations divide half a turn, into at least four parts if there are enough functions.
    Each comes in an even and an odd phase (with `energy` only even, as `gabor_conv` makes the odd ones itself).
    Wavelengths start at half the kernel's width and fall by half octaves, to 3 pixels at the least. Widths are 0.4
    wavelengths.

    >>> bank = gabor_bank(8, (9, 9))
    >>> bank["phase"][:2].round(2), bank["tau"][::2].round(2)
    (array([0.  , 1.57], dtype=float32), array([0.  , 0.79, 1.57, 2.36], dtype=float32))
    """
    require(is_integer(filters, least=1), "gabor_bank", "filters, an integer above 0", filters=filters)
    size = as_tuple("gabor_bank", "ksize", ksize, 2)
    phases = [0.0] if energy else [0.0, math.pi / 2]
    pairs = math.ceil(filters / len(phases))
    half = max(min(size) - 1, 2) / 2
    most = max(int(2 * math.log2(half / 3)) + 1, 1)
    lengths = [max(half * 2 ** (-i / 2), 3.0) for i in range(min(most, max(pairs // 4, 1)))]
    orientations = math.ceil(pairs / len(lengths))
    grid = [(w, math.pi * t / orientations, phase) for w in lengths for t in range(orientations) for phase in phases][
        :filters
    ]
    wavelength, tau, phase = (np.array(column) for column in zip(*grid))
    beta, zeros = 1 / (2 * (0.4 * wavelength) ** 2), np.zeros(filters)
    values = (np.ones(filters), beta, beta, 2 * math.pi / wavelength, phase, zeros, zeros, tau)
    norm = np.sqrt(np.sum(np.asarray(gabor(size, *values, zero_mean=zero_mean)) ** 2, (0, 1, 2)))
    values = (1 / np.where(norm > 1e-6, norm, 1), *values[1:])  # a 1 x 1 kernel minus its mean is 0
    return {name: value.astype("float32") for name, value in zip(PARAMETERS, values)}

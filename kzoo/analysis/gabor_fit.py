"""Gabor functions fitted to kernels by least squares.

Source: Jones & Palmer 1987, "An evaluation of the two-dimensional Gabor filter model of simple receptive fields in cat
striate cortex", for the function and the share of variance as its measure. The starts are chosen here.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from kzoo.ops.filters import gabor

STARTS = 4  # of the least squares, the best of a grid of Gabor functions
CYCLES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # in a kernel, of the grid
WIDTHS = (0.15, 0.3, 0.6)  # standard deviations of the envelope, in sizes of a kernel
LEAST_SIGMA = 0.3  # pixels: less changes nothing but the pixel at the centre


class GaborFit(NamedTuple):
    """A Gabor function amplitude exp(-x'^2 / 2 sigma_x^2 - y'^2 / 2 sigma_y^2) cos(frequency x' + phase).

    x' runs along the wave, y' across it. Units: pixels and radians, as in `kzoo.ops.filters.gabor`. orientation: of the
    wave, from the x axis (columns) to the y axis (rows), below pi. centre: (x, y) from the kernel's centre. sigma:
    (along the wave, across it). amplitude: one for each channel, of positive sum. share: of the kernel's variance that
    the function explains; 0 for a constant kernel.
    """

    frequency: float
    orientation: float
    phase: float
    sigma: tuple[float, float]
    centre: tuple[float, float]
    amplitude: np.ndarray
    share: float

    def kernel(self, size: tuple[int, int]) -> np.ndarray:
        """Returns the function as a kernel (*size, channels)."""
        beta_x, beta_y = (1 / (2 * sigma**2) for sigma in self.sigma)
        wave = gabor(size, 1.0, beta_x, beta_y, self.frequency, self.phase, *self.centre, self.orientation)
        return np.asarray(wave)[:, :, 0] * self.amplitude.astype("float32")


def fit_gabor(kernel: np.ndarray) -> GaborFit:
    """Returns the Gabor function that is nearest to a kernel (height, width, channels), one function for all channels.

    Each channel has its amplitude. The result is that of the best of several starts and may be a local optimum.

    >>> kernel = GaborFit(1.0, 0.5, 0.0, (2.0, 3.0), (0.0, 0.0), np.ones(1), 1.0).kernel((9, 9))
    >>> found = fit_gabor(kernel)
    >>> round(found.frequency, 2), round(found.orientation, 2), round(found.share, 3)
    (1.0, 0.5, 1.0)
    """
    from scipy.optimize import least_squares

    size = kernel.shape[:2]
    flat = np.asarray(kernel, "float64").reshape(-1, kernel.shape[-1])
    total, scale = float(((flat - flat.mean()) ** 2).sum()), float(np.linalg.norm(flat))
    if total <= 1e-12 * scale**2:
        return GaborFit(0.0, 0.0, 0.0, size, (0.0, 0.0), flat.mean(0), 0.0)
    flat = flat / scale

    def residual(parameters):
        wave = _wave(size, parameters)
        return (flat - np.outer(wave, _amplitudes(wave, flat))).ravel()

    half, most = (max(size) - 1) / 2 + 0.5, 2.0 * max(size)
    low = [-half, -half, -np.inf, 0, -np.inf, LEAST_SIGMA, LEAST_SIGMA]
    high = [half, half, np.inf, math.pi, np.inf, most, most]
    fits = [least_squares(residual, start, bounds=(low, high), max_nfev=100) for start in _starts(flat, size)]
    best = min(fits, key=lambda fit: fit.cost)
    x0, y0, orientation, frequency, phase, along, across = best.x
    amplitude = scale * _amplitudes(_wave(size, best.x), flat)
    if amplitude.sum() < 0:
        amplitude, phase = -amplitude, phase + math.pi
    if orientation % (2 * math.pi) >= math.pi:  # half a turn reverses the wave
        phase = -phase
    share = max(0.0, float(1 - 2 * best.cost * scale**2 / total))
    angles = float(orientation % math.pi), float(phase % (2 * math.pi))
    return GaborFit(float(frequency), *angles, (float(along), float(across)), (float(x0), float(y0)), amplitude, share)


def _wave(size, parameters):
    """Returns a Gabor function of amplitude 1, flat (height * width,)."""
    x0, y0, orientation, frequency, phase, along, across = parameters
    y, x = (np.arange(n) - (n - 1) / 2 for n in size)
    y, x = y[:, None] - y0, x - x0
    cos, sin = math.cos(orientation), math.sin(orientation)
    u, v = x * cos + y * sin, y * cos - x * sin
    return (np.exp(-((u / along) ** 2) / 2 - (v / across) ** 2 / 2) * np.cos(frequency * u + phase)).ravel()


def _amplitudes(wave, flat):
    """Returns the amplitude of each channel with the least squared error."""
    return wave @ flat / max(wave @ wave, 1e-12)


@functools.lru_cache(8)
def _grid(size):
    """Returns parameters (N, 7) and functions (N, height * width) of norm 1 to start from."""
    side, (height, width) = max(size), size
    frequencies = sorted({min(2 * math.pi * cycles / side, math.pi) for cycles in CYCLES})
    orientations = [math.pi * i / 8 for i in range(8)]
    phases = [math.pi * i / 4 for i in range(4)]
    centres = [(0, 0), (width / 4, 0), (-width / 4, 0), (0, height / 4), (0, -height / 4)]
    sigmas = [max(width * side, 2 * LEAST_SIGMA) for width in WIDTHS]
    parameters = [
        (*centre, orientation, frequency, phase, sigma, sigma)
        for centre, orientation, frequency, phase, sigma in itertools.product(
            centres, orientations, frequencies, phases, sigmas
        )
    ]
    waves = np.array([_wave(size, each) for each in parameters])
    norms = np.linalg.norm(waves, axis=1, keepdims=True)
    return np.array(parameters), np.where(norms > 1e-6, waves / np.maximum(norms, 1e-6), 0)


def _starts(flat, size):
    """Yields the best functions of the grid, of different orientations or frequencies."""
    parameters, waves = _grid(size)
    seen = set()
    for i in np.argsort(-((waves @ flat) ** 2).sum(-1), kind="stable"):
        if (key := tuple(parameters[i, 2:4])) not in seen:
            seen.add(key)
            yield parameters[i]
        if len(seen) == STARTS:
            return

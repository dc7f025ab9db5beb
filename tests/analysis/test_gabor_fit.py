"""Gabor functions are recovered from kernels, noise is not explained by one."""

import math

import numpy as np
import pytest

from kzoo.analysis.gabor_fit import GaborFit, fit_gabor
from kzoo.ops.filters import gabor

CASES = {  # frequency, orientation, phase, (sigma along, across), centre
    "even": (1.2, 0.3, 0.0, (2.0, 3.0), (0.0, 0.0)),
    "odd": (0.9, 2.5, math.pi / 2, (2.5, 2.0), (0.5, -0.5)),
    "shifted": (1.6, 1.6, 4.0, (1.5, 2.5), (-1.0, 1.5)),
    "nearly half a turn": (1.3, 3.1, 1.0, (2.0, 2.5), (0.0, 0.0)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [(11, 11), (9, 12)], ids=str)
def test_recovered(name, size):
    frequency, orientation, phase, sigma, (x0, y0) = CASES[name]
    envelope = [1 / (2 * each**2) for each in sigma]
    kernel = np.asarray(gabor(size, 0.7, *envelope, frequency, phase, x0, y0, orientation))
    found = fit_gabor(kernel[:, :, 0])
    assert found.share > 0.999
    np.testing.assert_allclose(found.kernel(size), kernel[:, :, 0], atol=1e-3)
    assert found.frequency == pytest.approx(frequency, abs=0.01)
    assert found.orientation == pytest.approx(orientation, abs=0.01)
    assert found.sigma == pytest.approx(sigma, abs=0.05)
    assert 0 <= found.phase < 2 * math.pi and found.amplitude.sum() > 0


def test_colours_have_their_amplitudes():
    weights = np.array([0.5, -0.2, 0.9])
    kernel = GaborFit(1.0, 0.7, 1.0, (2.0, 2.5), (0.0, 0.5), weights, 1.0).kernel((7, 7))
    found = fit_gabor(kernel)
    assert found.share > 0.999
    np.testing.assert_allclose(found.amplitude / found.amplitude[2], weights / 0.9, atol=0.01)


def test_noise_is_not_explained(seeds):
    for _ in range(2):
        kernel = seeds.normal(size=(9, 9, 1))
        found = fit_gabor(kernel)
        assert 0 < found.share < 0.7
        error = ((kernel - found.kernel((9, 9))) ** 2).sum() / ((kernel - kernel.mean()) ** 2).sum()
        assert found.share == pytest.approx(1 - error, abs=1e-4)
        assert str(fit_gabor(kernel)) == str(found)


@pytest.mark.parametrize("value", [0.0, -2.5])
def test_constant_kernels(value):
    found = fit_gabor(np.full((3, 3, 2), value))
    assert found.share == 0 and not found.frequency


def test_small_kernels(seeds):
    for size in ((1, 1), (1, 3), (2, 2)):
        assert 0 <= fit_gabor(seeds.normal(size=(*size, 2))).share <= 1

"""Checks elastic distortions against SciPy's filters, and the properties that Keras's RandomElasticTransform lacks."""

import keras
import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from kzoo.augmentation.elastic_distortion import ElasticDistortion
from kzoo.checks import Refusal

DIGITS = np.pad(load_digits().images.repeat(3, 1).repeat(3, 2)[:64] * 15, ((0, 0), (3, 2), (3, 2)))[..., None]


def displacements(batch=200, side=29, **settings):
    """Returns displacements (2, batch, side, side) of rows and columns."""
    return np.array(ElasticDistortion(seed=0, **settings).draw((batch, side, side, 1)))


def test_equals_fields_smoothed_and_applied_by_scipy(monkeypatch):
    noise = np.random.default_rng(0).uniform(-1, 1, (4, 14 + 2 * 6, 11 + 2 * 6)).astype("float32")
    monkeypatch.setattr(keras.random, "uniform", lambda *_, **__: noise)
    images = np.random.default_rng(1).normal(size=(2, 14, 11, 3)).astype("float32")
    moved = np.array(ElasticDistortion(1.5, 12.0, fill_value=-2.0)(images))
    fields = [12 * ndimage.gaussian_filter(each, 1.5, truncate=4.0)[6:-6, 6:-6] for each in noise]
    grid = np.indices((14, 11))
    for b in range(2):
        at = grid + [fields[b], fields[2 + b]]
        for c in range(3):
            expected = ndimage.map_coordinates(images[b, ..., c], at, order=1, mode="grid-constant", cval=-2.0)
            np.testing.assert_allclose(moved[b, ..., c], expected, atol=1e-4)


def test_rows_and_columns_move_independently():
    rows, columns = displacements()
    assert abs(np.corrcoef(rows.ravel(), columns.ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(rows[:-1].ravel(), rows[1:].ravel())[0, 1]) < 0.1


def test_displacements_are_those_of_the_paper():
    """Uniform numbers have standard deviation 1 / sqrt(3), which the Gaussian divides by 2 sigma sqrt(pi)."""
    fields = displacements()
    expected = 34 / (np.sqrt(3) * 2 * 4 * np.sqrt(np.pi))
    np.testing.assert_allclose(fields.std(), expected, rtol=0.05)
    edge = fields[:, :, 0].std(), fields[:, :, :, -1].std()
    np.testing.assert_allclose(edge, expected, rtol=0.1)  # as strong at the border
    steps = np.diff(fields, axis=2).std() / expected
    np.testing.assert_allclose(steps, np.sqrt(2 - 2 * np.exp(-1 / 64)), rtol=0.1)  # and as smooth as sigma 4 says


def test_all_images_move_and_none_becomes_noise():
    """A pixel comes from nearby, so that moved digits still resemble themselves and keep their ink."""
    moved = np.array(ElasticDistortion(seed=0)(DIGITS.astype("float32")))
    assert (np.abs(moved - DIGITS).mean((1, 2, 3)) > 1).all()
    assert moved.min() >= 0 and moved.max() <= DIGITS.max() + 1e-3
    for before, after in zip(DIGITS[..., 0], moved[..., 0]):
        blurred = [ndimage.gaussian_filter(each, 2).ravel() for each in (before, after)]
        assert np.corrcoef(*blurred)[0, 1] > 0.7
        assert 0.6 < after.sum() / before.sum() < 1.6


def test_integers_are_rounded():
    exact = np.array(ElasticDistortion(seed=5)(DIGITS.astype("float32")))
    np.testing.assert_array_equal(ElasticDistortion(seed=5)(DIGITS.astype("uint8")), np.rint(exact))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"sigma": 0}, "ElasticDistortion expects sigma, a number of pixels above 0; received sigma=0"),
        ({"alpha": float("nan")}, "alpha, a number of pixels above 0; received alpha=nan"),
        ({"fill_mode": "wrap"}, "fill_mode, one of .*; received fill_mode='wrap'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        ElasticDistortion(**settings)

import numpy as np
import pytest

from kzoo.augmentation.pca_color_noise import IMAGENET_VALUES, IMAGENET_VECTORS, PCAColorNoise
from kzoo.checks import Refusal


def test_the_noise_is_one_colour_of_the_papers_covariance():
    grey = np.full((20_000, 1, 2, 3), 128, "float32")
    noise = np.array(PCAColorNoise(seed=0)(grey)) - grey
    np.testing.assert_array_equal(noise[:, :, 0], noise[:, :, 1])  # the same for all pixels of an image
    vectors, deviations = np.array(IMAGENET_VECTORS), 255 * 0.1 * np.array(IMAGENET_VALUES)
    expected = vectors @ np.diag(deviations**2) @ vectors.T
    np.testing.assert_allclose(np.cov(noise[:, 0, 0].T), expected, rtol=0.05, atol=0.02)
    np.testing.assert_allclose(noise.mean((0, 1, 2)), 0, atol=0.1)


def test_imagenets_components_are_orthonormal():
    np.testing.assert_allclose(np.array(IMAGENET_VECTORS).T @ IMAGENET_VECTORS, np.eye(3), atol=2e-4)


def test_other_components_and_ranges():
    layer = PCAColorNoise(1.0, [2.0, 0.0, 0.0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], value_range=[-1, 1], seed=0)
    noise = np.array(layer(np.zeros((5000, 1, 1, 3), "float32")))[:, 0, 0]
    np.testing.assert_allclose(noise.std(0), [4, 0, 0], rtol=0.05)


def test_bytes_stay_in_their_range():
    images = np.tile(np.array([0, 255], "uint8")[None, None, :, None], (50, 1, 1, 3))
    noisy = np.array(PCAColorNoise(0.5, seed=0)(images)).astype(int)
    assert np.abs(noisy - images).max() < 200  # 256 more or less would be another colour


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"stddev": -1}, "PCAColorNoise expects stddev, a number of at least 0; received stddev=-1"),
        ({"eigenvalues": [1, 2]}, r"eigenvalues, finite numbers of shape \(3,\); received eigenvalues=\[1, 2\]"),
        ({"eigenvectors": "abc"}, r"eigenvectors, finite numbers of shape \(3, 3\); received eigenvectors='abc'"),
        ({"value_range": (1, 0)}, r"value_range, .* black below white; received value_range=\(1, 0\)"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        PCAColorNoise(**settings)


def test_refuses_images_without_three_channels():
    with pytest.raises(ValueError, match="images of 3 channels; received channels=1"):
        PCAColorNoise()(np.zeros((2, 4, 4, 1)))

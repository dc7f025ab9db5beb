"""KMeansFeatures2D: the contract, what `adapt` learns, planted patches recovered, a file, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import KMeansFeatures2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {
    "KMeansFeatures2D": Case(
        {"filters": 5, "kernel_size": (3, 2), "strides": (2, 1), "epsilon": 0.5}, noise(*SHAPES[2])
    )
}


def test_contract(tmp_path):
    check_layer(KMeansFeatures2D, *LAYER_CASES["KMeansFeatures2D"], tmp_path)


def test_passes_everything_to_the_op():
    x = noise(2, 7, 8, 2)
    geometry = {"strides": (2, 1), "padding": "reflect"}
    layer = KMeansFeatures2D(4, (3, 2), **geometry, dilation_rate=(1, 2), epsilon=0.5, encoding="hard")
    layer(x)
    weights = randomize(layer)
    assert [w.shape for w in layer.weights] == [(12,), (12, 12), (4, 12)] and not layer.trainable_weights
    want = ops.kmeans_features(x, *weights, (3, 2), **geometry, dilations=(1, 2), epsilon=0.5, encoding="hard")
    same(layer(x), want)


def patches_of(images, size):
    """All patches, evened as the layer does it."""
    spots = [(i, j) for i in range(images.shape[1] - size + 1) for j in range(images.shape[2] - size + 1)]
    rows = np.concatenate([images[:, i : i + size, j : j + size].reshape(len(images), -1) for i, j in spots])
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.sqrt((rows**2).mean(1, keepdims=True) + 10)


def test_adapt_whitens():
    """The mean of all patches, and the inverse square root of their covariance with 0.1 added to its eigenvalues."""
    images = np.random.default_rng(0).integers(0, 256, (20, 9, 9, 2)).cumsum(1).cumsum(2) / 20
    layer = KMeansFeatures2D(4, 3)
    layer.adapt(images.astype("float32"))
    rows = patches_of(images, 3)
    np.testing.assert_allclose(layer.mean, rows.mean(0), atol=1e-4)
    inverse = np.linalg.inv(np.cov(rows.T) + 0.1 * np.eye(18))
    whitening = np.array(layer.whitening)
    np.testing.assert_allclose(whitening @ whitening, inverse, atol=1e-3 * np.abs(inverse).max())
    np.testing.assert_allclose(whitening, whitening.T, atol=1e-4)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_adapt_finds_planted_patches(data_format):
    """Images of one of five patterns with little noise: the code of each is largest at its own centroid."""
    draw = np.random.default_rng(0)
    planted, labels = draw.normal(size=(5, 4, 3, 2)) * 50 + 100, np.arange(60) % 5
    images = (planted[labels] + draw.normal(size=(60, 4, 3, 2))).astype("float32")
    x = np.moveaxis(images, -1, 1) if data_format == "channels_first" else images
    for given in (x, [x[:25], x[25:]]):  # whole, or in batches
        layer = KMeansFeatures2D(5, (4, 3), data_format=data_format)
        layer.adapt(given)
        found = np.reshape(layer(x), (60, 5)).argmax(1)
        assert len(set(zip(labels, found))) == 5 and len(set(found)) == 5


def test_adapt_runs_k_means_to_its_end():
    """Each centroid is the mean of the whitened patches that are nearest to it, a fixed point of k-means."""
    images = np.random.default_rng(0).integers(0, 256, (30, 7, 7, 1)).astype("float32")
    layer = KMeansFeatures2D(6, 3)
    layer.adapt(images)
    rows = (patches_of(images, 3) - np.array(layer.mean)) @ np.array(layer.whitening)
    centroids = np.array(layer.centroids)
    nearest = ((rows[:, None] - centroids) ** 2).sum(-1).argmin(1)
    means = [rows[nearest == k].mean(0) for k in range(6)]
    np.testing.assert_allclose(centroids, means, atol=1e-3)
    short = KMeansFeatures2D(6, 3)
    short.adapt(images, iterations=1)
    assert np.abs(np.array(short.centroids) - centroids).max() > 0.01


def test_adapt_follows_its_seed_and_draws_few():
    found = []
    for seed in (0, 0, 1):
        layer = KMeansFeatures2D(4, 3)
        layer.adapt(noise(8, 6, 6, 3), patches=20, seed=seed)
        found.append(np.array(layer.mean))
    assert (found[0] == found[1]).all() and (found[1] != found[2]).any()


def test_adapt_sees_dilated_patches():
    images = np.zeros((30, 3, 3, 1), "float32")
    images[:, ::2, ::2] = noise(30, 2, 2, 1) * 100
    layer = KMeansFeatures2D(3, 2, dilation_rate=2)
    layer.adapt(images)
    np.testing.assert_allclose(layer.mean, patches_of(images[:, ::2, ::2], 2).mean(0), atol=1e-4)


def test_is_restored_from_a_file(tmp_path):
    x = noise(4, 8, 8, 3) * 100
    layer = KMeansFeatures2D(4, 3)
    layer.adapt(x)
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    model.save(tmp_path / "layer.keras")
    same(keras.models.load_model(tmp_path / "layer.keras")(x), model(x))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"filters": 0}, (1, 5, 5, 2), ["filters, an integer above 0", "filters=0"]),
        ({"epsilon": 0}, (1, 5, 5, 2), ["epsilon, a number above 0"]),
        ({"whitening_epsilon": -1}, (1, 5, 5, 2), ["whitening_epsilon, a number above 0"]),
        ({"encoding": "soft"}, (1, 5, 5, 2), ["encoding, one of"]),
        ({}, (1, 5, 5, None), ["a known number of channels"]),
        ({}, (1, 2, 5, 2), ["a window that fits"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(KMeansFeatures2D, {"filters": 4, "kernel_size": 3, **kwargs}, shape, *words)


def test_adapt_refuses():
    layer = KMeansFeatures2D(40, 3)
    with pytest.raises(ValueError, match="KMeansFeatures2D expects images of at least 40 patches; received patches=36"):
        layer.adapt(noise(4, 5, 5, 1))
    with pytest.raises(ValueError, match="KMeansFeatures2D expects images of rank 4"):
        layer.adapt(noise(4, 5, 5))

"""k-means features: the reference, hard coding, invariance to brightness and contrast, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo import ops
from tests import references
from tests.ops.cases import Case, Setting, geometry_of, normal, random_geometry
from tests.ops.harness import CHECKS, bad_samples, close, half_precision, refuses


def reference(x, mean, whitening, centroids, ksize, epsilon=10.0, encoding="triangle", **geometry):
    """Each patch is gathered, normalized, whitened and compared with each centroid; empty padding is 0."""
    where, output = references.windows(x.shape[1:-1], ksize, **geometry)
    y = np.zeros((len(x), *output, len(centroids)))
    for position, cells in where:
        for b in range(len(x)):
            nothing = np.zeros(x.shape[-1])
            patch = np.concatenate([nothing if cell is None else x[(b, *cell)] for _, cell in cells]).astype("float64")
            even = (patch - patch.mean()) / math.sqrt(((patch - patch.mean()) ** 2).mean() + epsilon)
            white = (even - mean.astype("float64")) @ whitening.astype("float64")
            far = [math.sqrt(((white - centroid) ** 2).sum()) for centroid in centroids.astype("float64")]
            for k, z in enumerate(far):
                nearest = float(k == far.index(min(far)))
                y[(b, *position, k)] = max(0, sum(far) / len(far) - z) if encoding == "triangle" else nearest
    return y


def draw(rng, rank, one, distinct):
    """Whitened values of order 1. Distinct: one centroid far off, so that no distance is near their mean, a kink."""
    one = one or random_geometry(rng, rank, most=3 if rank < 3 else 2)
    size = references.per_axis(one["size"], rank)
    depth = 2 * math.prod(size)
    x = normal(rng, 2, *one["spatial"], 2)
    whitening = normal(rng, depth, depth) / np.float32(math.sqrt(depth))
    centroids = normal(rng, 3, depth) * np.float32([[0.3], [0.3], [4]] if distinct else 1)
    parts = (x, normal(rng, depth), whitening, centroids)
    return Setting(parts, {"ksize": size, "epsilon": 0.5, **geometry_of(one)})


OP_CASES = {"kmeans_features": Case(ops.kmeans_features, reference, draw, curved=True)}


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("check", CHECKS)
def test_equals_the_loop(check, rank):
    check(OP_CASES["kmeans_features"], rank)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("rank", [1, 2])
def test_precisions(rank, dtype):
    half_precision(OP_CASES["kmeans_features"], rank, dtype)


def test_hard_marks_the_nearest(seeds):
    inputs, kwargs = OP_CASES["kmeans_features"].ten(2)[0]
    y = ops.kmeans_features(*inputs, **kwargs, encoding="hard")
    close(y, reference(*inputs, **kwargs, encoding="hard"))
    assert 0 < np.mean(y) < 1 and (np.sum(y, -1) == 1).all()


def test_bright_patches_are_as_exact_as_dark_ones(seeds):
    """Bytes near white: their squares are a thousand times their variance."""
    x = np.float32(250 + seeds.integers(-2, 3, (2, 6, 7, 3)))
    others = normal(seeds, 12), normal(seeds, 12, 12) / 4, normal(seeds, 4, 12)
    close(ops.kmeans_features(x, *others, 2), reference(x, *others, (2, 2)))
    np.testing.assert_array_equal(ops.kmeans_features(x, *others, 2), ops.kmeans_features(x - 250, *others, 2))


X = np.zeros((1, 4, 5, 2), "float32")
MEAN, WHITENING, CENTROIDS = np.zeros(8, "float32"), np.eye(8, dtype="float32"), np.zeros((3, 8), "float32")


@pytest.mark.parametrize(
    "args, words",
    [
        ((X, MEAN[1:], WHITENING, CENTROIDS, 2), "mean (8,), for ksize and channels; received mean=(7,)"),
        ((X, MEAN, WHITENING[1:], CENTROIDS, 2), "whitening (8, 8), for ksize and channels; received whitening=(7, 8)"),
        ((X, MEAN, WHITENING, CENTROIDS[:0], 2), "centroids (clusters, 8); received centroids=(0, 8)"),
        ((X, MEAN, WHITENING, CENTROIDS[:, 1:], 2), "centroids (clusters, 8); received centroids=(3, 7)"),
        ((X, MEAN, WHITENING, CENTROIDS, (1, 2)), "mean (4,)"),
        ((X, np.zeros(72), np.eye(72), np.zeros((1, 72)), 6), "a window that fits into the padded input"),
        ((X, MEAN, WHITENING, CENTROIDS, 2, 0), "strides"),
        ((X, MEAN, WHITENING, CENTROIDS, 2, 1, "valid", 1, 0), "epsilon, a number above 0; received epsilon=0"),
        ((X, MEAN, WHITENING, CENTROIDS, 2, 1, "valid", 1, 1.0, "soft"), "encoding, one of ('triangle', 'hard')"),
        ((keras.Input((4, 5, 2)), MEAN, WHITENING, CENTROIDS, 2), "the layer kzoo.layers.KMeansFeatures2D"),
    ],
)
def test_refuses(args, words):
    refuses(words, ops.kmeans_features, *args)


@pytest.mark.parametrize("x, words", bad_samples("KMeansFeatures2D"))
def test_refuses_samples(x, words):
    refuses(words, ops.kmeans_features, x, MEAN, WHITENING, CENTROIDS, 2)

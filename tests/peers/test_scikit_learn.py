"""Compares DynamicPooling2D with scikit-learn's nearest clusters, over which SciPy pools."""

import itertools

import numpy as np
import pytest
from scipy import ndimage
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from kzoo.layers import DynamicPooling2D
from tests.ops.cases import normal

pytestmark = pytest.mark.peers
PEER = "scikit-learn"

CLOSE = 1e-5  # float32 means in another order


def pooled(codes, labels, clusters, bins, pooling):
    """Returns ndimage's mean or maximum for each label in each bin of each level; 0 for a cluster without positions."""
    reduce, results = {"average": ndimage.mean, "max": ndimage.maximum}[pooling], []
    for x, label in zip(codes, labels):
        values = []
        for count in bins:
            axes = [[slice(i * n // count, -(-(i + 1) * n // count)) for i in range(count)] for n in label.shape]
            for part in itertools.product(*axes):
                value = np.zeros((clusters, x.shape[-1]))
                there = np.unique(label[part])
                for channel in range(x.shape[-1]):
                    value[there, channel] = reduce(x[(*part, channel)], label[part], there)
                values.append(value)
        results.append(np.ravel(values))
    return np.array(results, "float32")


def draw(rng):
    clusters, bins = int(rng.integers(1, 9)), tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 4)))
    spatial, depth = tuple(int(n) for n in rng.integers(3, 10, 2)), int(rng.integers(1, 7))
    return clusters, bins, (2, *spatial), depth


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("descriptors", [False, True])
def test_dynamic_pooling(compare, descriptors, pooling):
    """With random centroids and pairwise_distances_argmin, by the codes or by descriptors of another depth."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        clusters, bins, shape, depth = draw(rng)
        codes, by = normal(rng, *shape, 3), normal(rng, *shape, depth) + np.float32(rng.normal())
        by = by if descriptors else codes
        layer = DynamicPooling2D(clusters, bins, pooling)
        inputs = [codes, by] if descriptors else codes
        layer.build([codes.shape, by.shape] if descriptors else codes.shape)
        centroids = normal(rng, clusters, by.shape[-1])
        layer.set_weights([centroids])
        labels = pairwise_distances_argmin(by.reshape(-1, by.shape[-1]), centroids).reshape(shape)
        want = pooled(codes, labels, clusters, bins, pooling)
        compare(f"DynamicPooling2D, argmin, {pooling}", layer(inputs), want, CLOSE, setting=(clusters, bins, shape))


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_dynamic_pooling_by_k_means(compare, pooling):
    """With the centroids of a KMeans and its predictions."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        clusters, bins, shape, depth = draw(rng)
        codes = normal(rng, *shape, depth)
        rows = codes.reshape(-1, depth)
        means = KMeans(clusters, n_init=1, random_state=0).fit(rows)
        layer = DynamicPooling2D(clusters, bins, pooling)
        layer.build(codes.shape)
        layer.set_weights([means.cluster_centers_])
        want = pooled(codes, means.predict(rows).reshape(shape), clusters, bins, pooling)
        compare(f"DynamicPooling2D, KMeans, {pooling}", layer(codes), want, CLOSE, setting=(clusters, bins, shape))

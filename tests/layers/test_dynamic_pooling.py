"""DynamicPooling2D: the contract, the op with the nearest clusters, `adapt`, descriptors besides codes, errors."""

import keras
import numpy as np
import pytest

from kzoo import ops
from kzoo.layers import DynamicPooling2D
from tests.layer_checks import check_layer, check_refusal, randomize, same
from tests.layers.cases import SHAPES, Case, noise

LAYER_CASES = {"DynamicPooling2D": Case({"clusters": 3, "bins": (2, 1)}, noise(*SHAPES[2]))}


def test_contract(tmp_path):
    check_layer(DynamicPooling2D, *LAYER_CASES["DynamicPooling2D"], tmp_path)


def nearest(descriptors, centroids):
    distances = ((descriptors[..., None, :] - centroids) ** 2).sum(-1)
    return np.eye(len(centroids), dtype="float32")[distances.argmin(-1)]


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_passes_the_nearest_clusters_to_the_op(pooling):
    """By the descriptors where there are any, otherwise by the codes."""
    codes, descriptors = noise(*SHAPES[2]), noise(2, 7, 8, 3, seed=1)
    assert codes.shape[-1] != descriptors.shape[-1]
    for inputs, by in ((codes, codes), ([codes, descriptors], descriptors)):
        layer = DynamicPooling2D(4, (1, 2), pooling)
        layer(inputs)
        (centroids,) = randomize(layer)
        want = ops.dynamic_pool(codes, nearest(by, centroids), (1, 2), pooling)
        same(layer(inputs), np.reshape(want, (2, -1)))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_adapt_recovers_planted_clusters(data_format):
    """From an array or from batches; the centroids then serve images of another size."""
    rng = np.random.default_rng(0)
    planted = rng.normal(size=(5, 3)) * 10
    data = (planted[np.sort(rng.integers(0, 5, (40, 6, 6)), 0)] + rng.normal(size=(40, 6, 6, 3)) * 0.1).astype(
        "float32"
    )
    for given in (data, [data[:20], data[20:]]):
        layer = DynamicPooling2D(5, data_format=data_format)
        layer.adapt(given)
        found = np.asarray(layer.centroids)
        gaps = np.linalg.norm(planted[:, None] - found, axis=-1)
        assert (gaps.min(0) < 0.1).all() and sorted(gaps.argmin(0)) == list(range(5))
        x = np.moveaxis(data[:2, :4], -1, 1) if data_format == "channels_first" else data[:2, :4]
        assert layer(x).shape == (2, 15) and (np.asarray(layer.centroids) == found).all()


def test_adapt_runs_k_means_to_its_end():
    """Each centroid is the mean of the descriptors that are nearest to it, a fixed point of k-means."""
    data = np.random.default_rng(0).normal(size=(20, 6, 6, 3)).astype("float32")
    layer = DynamicPooling2D(6)
    layer.adapt(data)
    rows, centroids = data.reshape(-1, 3), np.array(layer.centroids)
    members = nearest(rows, centroids)
    np.testing.assert_allclose(centroids, members.T @ rows / members.sum(0)[:, None], atol=1e-4)
    short = DynamicPooling2D(6)
    short.adapt(data, iterations=1)
    assert np.abs(np.array(short.centroids) - centroids).max() > 0.01


def test_adapt_is_restored_from_a_file(tmp_path):
    x = noise(8, 6, 6, 3)
    layer = DynamicPooling2D(4)
    layer.adapt(x)
    model = keras.Sequential([keras.Input((6, 6, 3)), layer])
    model.save(tmp_path / "layer.keras")
    same(keras.models.load_model(tmp_path / "layer.keras")(x), model(x))


def test_adapt_follows_its_seed():
    found = []
    for seed in ({}, {"seed": 0}, {"seed": 1}):
        layer = DynamicPooling2D(4)
        layer.adapt(noise(8, 6, 6, 3), **seed)
        found.append(np.asarray(layer.centroids))
    assert (found[0] == found[1]).all() and (found[1] != found[2]).any()


def test_half_precision_finds_the_nearest_too():
    """100^2 - 2 * 100 * 100 and 102^2 - 2 * 100 * 102 differ by less than the resolution of float16."""
    layer = DynamicPooling2D(2, dtype="mixed_float16")
    x = np.full((1, 2, 2, 1), 100.0, "float16")
    layer.build(x.shape)
    layer.set_weights([np.float32([[102], [100]])])
    np.testing.assert_array_equal(layer(x), [[0, 100]])


def test_pools_everything_by_means_by_default():
    assert DynamicPooling2D(4).bins == (1,) and DynamicPooling2D(4).pooling == "average"


def test_centroids_are_not_trained():
    layer = DynamicPooling2D(4)
    layer.build((None, 5, 5, 3))
    assert not layer.trainable_weights and [w.shape for w in layer.weights] == [(4, 3)]


def test_adapt_refuses():
    layer = DynamicPooling2D(4)
    with pytest.raises(ValueError, match="DynamicPooling2D expects at least 4 descriptors"):
        layer.adapt(noise(1, 1, 3, 2))
    layer.adapt(noise(2, 3, 3, 2))
    with pytest.raises(ValueError, match="DynamicPooling2D expects descriptors of 2 numbers"):
        layer.adapt(noise(2, 3, 3, 5))


@pytest.mark.parametrize(
    "kwargs, shape, words",
    [
        ({"clusters": 0}, (1, 5, 5, 2), ["clusters, an integer above 0", "clusters=0"]),
        ({"pooling": "sum"}, (1, 5, 5, 2), ["pooling, one of ('average', 'max')", "pooling='sum'"]),
        ({"bins": (0,)}, (1, 5, 5, 2), ["bins"]),
        ({}, (1, 5, 2), ["rank 4", "5, 2)"]),
        ({}, (1, 5, 5, None), ["a known number of channels"]),
        ({}, (1, 0, 5, 2), ["an input of at least 1 pixel on each axis"]),
    ],
)
def test_refuses(kwargs, shape, words):
    check_refusal(DynamicPooling2D, {"clusters": 4, **kwargs}, shape, *words)


@pytest.mark.parametrize(
    "parts, words",
    [
        ([keras.Input((5, 5, 2)), keras.Input((4, 5, 3))], "expects codes and descriptors of one size"),
        ([keras.Input((5, 5, 2)), keras.Input((5, 5, 3), dtype="int32")], "expects floating inputs"),
        ([keras.Input((5, 5, 2))] * 3, "expects codes, or .codes, descriptors."),
    ],
)
def test_refuses_descriptors(parts, words):
    with pytest.raises(ValueError, match=f"DynamicPooling2D {words}"):
        DynamicPooling2D(4)(parts)

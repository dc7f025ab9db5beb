"""k-means features: the card's numbers, the sums of uneven quadrants, what `adapt` makes of it, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.adapt import adapt
from kzoo.models.registry import model
from tests.models.cards import shapes


@pytest.mark.parametrize("name, clusters", [("kmeans_features", 1600), ("kmeans_features_4000", 4000)])
def test_card(name, clusters):
    net = model(name)
    assert math.prod(net.get_layer("stage1").centroids.shape) == clusters * 108
    assert shapes(net, ["stage1", "stage1_sum"]) == {"stage1": (27, 27, clusters), "stage1_sum": (2, 2, clusters)}
    assert [weight.path for weight in net.trainable_weights] == ["predictions/kernel", "predictions/bias"]
    assert net.get_layer("predictions").kernel_regularizer.l2 == 1 / (2 * 100)


@pytest.mark.parametrize("shape", [(12, 11, 3), (6, 7, 1)])
def test_quadrants_are_summed(shape):
    """A middle row goes to the upper quadrants, a middle column to the left ones."""
    net = model("kmeans_features", filters=5, kernel=5, input_shape=shape)
    x = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    codes, sums = keras.Model(net.inputs, [net.get_layer(name).output for name in ("stage1", "stage1_sum")])(x)
    codes = codes.numpy()
    half = [math.ceil((n - 4) / 2) for n in shape[:2]]
    for row, upper in enumerate((slice(None, half[0]), slice(half[0], None))):
        for column, left in enumerate((slice(None, half[1]), slice(half[1], None))):
            np.testing.assert_allclose(sums[:, row, column], codes[:, upper, left].sum((1, 2)), rtol=1e-5)


def test_adapt_learns_the_dictionary_and_then_the_statistics():
    net = model("kmeans_features", filters=8, input_shape=(12, 12, 3))
    x = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 3)).astype("float32")
    adapt(net, x)
    assert np.array(net.get_layer("stage1").mean).any()
    features = keras.Model(net.inputs, net.get_layer("standardize").output)(x).numpy()
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(features.std(0), 1, atol=1e-3)
    assert net.get_layer("predictions").activation is keras.activations.linear and not np.any(net(x))  # untrained


def test_settings():
    net = model("kmeans_features", filters=7, strides=2, encoding="hard", l2=0, include_top=False)
    codes = net(np.zeros((1, 32, 32, 3), "float32"))
    assert codes.shape == (1, 14, 14, 7) and set(np.unique(codes)) == {0, 1}
    free = model("kmeans_features", filters=7, include_top=False, pooling="avg", input_shape=(None, None, 3))
    assert free.output_shape == (None, 7)


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"filters": 0}, "filters"),
        ({"l2": -1}, "l2"),
        ({"encoding": "soft"}, "encoding"),
        ({"input_shape": (6, 32, 3)}, "sides of at least 7"),
        ({"input_shape": (None, 32, 3)}, "known sizes"),
    ],
    ids=str,
)
def test_refused(settings, told):
    with pytest.raises(Refusal, match=told):
        model("kmeans_features", **settings)

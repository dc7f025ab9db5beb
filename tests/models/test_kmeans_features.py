"""k-means features: counts, the sums of uneven quadrants, `adapt`, and refusals."""

import math

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.adapt import adapt
from kzoo.models.registry import model
from tests.models.cards import CIFAR, Fit, shapes

CARDS = {  # trained parameters, input, classes
    "kmeans_features": (64_010, CIFAR, 10),
    "kmeans_features_4000": (160_010, CIFAR, 10),
}
FITS = {
    "kmeans_features": Fit(
        {"filters": 30, "classifier_activation": "softmax", "epsilon": 0.1, "input_shape": (16, 16, 3)}
    ),
}


@pytest.mark.parametrize("name, clusters", [("kmeans_features", 1600), ("kmeans_features_4000", 4000)])
def test_card(name, clusters):
    built = model(name)
    assert math.prod(built.get_layer("stage1").centroids.shape) == clusters * 108
    assert shapes(built, ["stage1", "stage1_sum"]) == {"stage1": (27, 27, clusters), "stage1_sum": (2, 2, clusters)}
    assert [weight.path for weight in built.trainable_weights] == ["predictions/kernel", "predictions/bias"]
    assert built.get_layer("predictions").kernel_regularizer.l2 == 1 / (2 * 100)


@pytest.mark.parametrize("shape", [(12, 11, 3), (6, 7, 1)])
def test_quadrants_are_summed(shape):
    """A middle row goes to the upper quadrants, a middle column to the left ones."""
    built = model("kmeans_features", filters=5, kernel=5, input_shape=shape)
    x = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    codes, sums = keras.Model(built.inputs, [built.get_layer(name).output for name in ("stage1", "stage1_sum")])(x)
    codes = codes.numpy()
    half = [math.ceil((n - 4) / 2) for n in shape[:2]]
    for row, upper in enumerate((slice(None, half[0]), slice(half[0], None))):
        for column, left in enumerate((slice(None, half[1]), slice(half[1], None))):
            np.testing.assert_allclose(sums[:, row, column], codes[:, upper, left].sum((1, 2)), rtol=1e-5)


def test_adapt_learns_the_dictionary_and_then_the_statistics():
    built = model("kmeans_features", filters=8, input_shape=(12, 12, 3))
    x = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 3)).astype("float32")
    adapt(built, x)
    assert np.array(built.get_layer("stage1").mean).any()
    features = keras.Model(built.inputs, built.get_layer("standardize").output)(x).numpy()
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(features.std(0), 1, atol=1e-3)
    assert built.get_layer("predictions").activation is keras.activations.linear and not np.any(built(x))  # untrained


def test_settings():
    built = model("kmeans_features", filters=7, strides=2, encoding="hard", l2=0, include_top=False)
    codes = built(np.zeros((1, 32, 32, 3), "float32"))
    assert codes.shape == (1, 14, 14, 7) and set(np.unique(codes)) == {0, 1}
    free = model("kmeans_features", filters=7, include_top=False, pooling="avg", input_shape=(None, None, 3))
    assert free.output_shape == (None, 7)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"filters": 0}, "filters"),
        ({"l2": -1}, "l2"),
        ({"encoding": "soft"}, "encoding"),
        ({"input_shape": (6, 32, 3)}, "sides of at least 7"),
        ({"input_shape": (None, 32, 3)}, "known sizes"),
    ],
    ids=str,
)
def test_refused(settings, message):
    with pytest.raises(Refusal, match=message):
        model("kmeans_features", **settings)

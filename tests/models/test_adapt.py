"""`adapt`: the layers of a model learn from their inputs, in order; layers with given statistics keep them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.models.adapt import adapt

X = np.random.default_rng(0).normal(3, 2, (50, 4)).astype("float32")


def chain():
    parts = [keras.layers.Normalization(name=name) for name in ("first", "second")]
    return keras.Sequential([keras.Input((4,)), parts[0], keras.layers.Rescaling(5.0, offset=1.0), parts[1]])


@pytest.mark.parametrize("data", [X, tf.data.Dataset.from_tensor_slices(X).batch(20)], ids=["array", "dataset"])
def test_each_learns_from_what_comes_to_it(data):
    built = adapt(chain(), data)
    first, second = built.get_layer("first"), built.get_layer("second")
    np.testing.assert_allclose(first.mean, X.mean(0, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(second.mean, np.ones((1, 4)), atol=1e-5)
    np.testing.assert_allclose(second.variance, np.full((1, 4), 25), rtol=1e-4)
    np.testing.assert_allclose(built(X), (X - X.mean(0)) / X.std(0), atol=1e-4)


def test_statistics_of_their_own_and_skipped_layers_stay():
    given = keras.layers.Normalization(mean=1.0, variance=4.0, name="given")
    x = inputs = keras.Input((4,))
    for layer in (given, keras.layers.Normalization(name="skipped")):
        x = layer(x)
    built = adapt(keras.Model(inputs, x), X, skip=["skipped"])
    np.testing.assert_allclose(built(X), (X - 1) / 2, rtol=1e-5)


def test_the_arguments_of_every_layer_give_statistics():
    """Boundaries that are given stay, those of a number of bins are learned."""
    both = [keras.layers.Discretization(bins, num_bins=n, output_mode="int") for bins, n in (([1.0], None), (None, 2))]
    x = keras.Input((4,))
    built = adapt(keras.Model(x, [layer(x) for layer in both]), X)
    given, learned = (np.array(y) for y in built(X))
    np.testing.assert_array_equal(given, X >= 1)
    assert 80 <= learned.sum() <= 120  # half of the values, by their median


def test_comes_back_from_a_file(tmp_path):
    built = adapt(chain(), X)
    built.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(X), built(X), rtol=1e-6)


def test_refuses_several_inputs_where_there_is_something_to_learn():
    a, b = keras.Input((4,)), keras.Input((4,))
    built = keras.Model([a, b], keras.layers.Add()([a, b]))
    assert adapt(built, X) is built
    with pytest.raises(Refusal, match="adapt expects a model of one input; received inputs=2"):
        adapt(keras.Model([a, b], keras.layers.Add()([keras.layers.Normalization()(a), b])), X)


def test_within_a_held_model():
    inner = chain()
    whole = keras.Sequential([keras.Input((4,)), keras.layers.Rescaling(2.0), inner, keras.layers.ReLU()])
    assert adapt(whole, X) is whole
    np.testing.assert_allclose(inner.get_layer("first").mean, 2 * X.mean(0, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(inner.get_layer("second").variance, np.full((1, 4), 25), rtol=1e-4)

"""Models of `.keras` files: as they are, with new weights, another last layer, and behind preprocessing."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.index import check_model
from kzoo.models.adapt import adapt
from kzoo.models.keras_file import keras_file, keras_name
from kzoo.models.registry import describe, find, model

X = np.random.default_rng(0).normal(size=(3, 6, 6, 1)).astype("float32")


def saved(path, *more, loss=None):
    """Saves a small model, whose first layer has learned statistics; returns it."""
    norm = layers.Normalization(name="norm")
    norm.adapt(5 + 2 * X)
    parts = [keras.Input((6, 6, 1)), norm, layers.Conv2D(2, 3, name="conv"), layers.Flatten(), *more]
    built = keras.Sequential([*parts, layers.Dense(3, name="top"), layers.Softmax(name="probabilities")])
    built.compile(loss=loss)
    built.save(path)
    return built


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return "my net.keras", saved("my net.keras")


def test_as_it_is(file):
    path, built = file
    loaded = model(path)
    np.testing.assert_array_equal(loaded(X), built(X))
    assert loaded.name == "my_net" and loaded.get_layer("top").units == 3
    check_model(path, ["classes", "weights"])
    assert find(path)[0] is keras_file and describe(path)["family"] == "keras_file"


def test_new_weights(file):
    path, built = file
    fresh = model(path, weights=None)
    assert not np.array_equal(fresh.get_layer("conv").kernel, built.get_layer("conv").kernel)
    adapt(fresh, X)
    np.testing.assert_allclose(fresh.get_layer("norm").mean, X.mean(), atol=1e-6)
    built.get_layer("conv").kernel.assign(np.ones((3, 3, 1, 2)))
    built.save("other.keras")
    np.testing.assert_array_equal(model(path, weights="other.keras").get_layer("conv").kernel, np.ones((3, 3, 1, 2)))


def test_another_last_layer(file):
    path, built = file
    five = model(path, classes=5)
    assert five.output_shape == (None, 5) and five.layers[-1].name == "probabilities"
    np.testing.assert_array_equal(five.get_layer("conv").kernel, built.get_layer("conv").kernel)
    np.testing.assert_allclose(np.sum(five(X), -1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model(path, classes=3)(X), built(X))
    five.save("five.keras")
    np.testing.assert_array_equal(model("five.keras")(X), five(X))


def test_behind_preprocessing(file):
    path, built = file
    x = layers.Rescaling(0.5)(inputs := keras.Input((6, 6, 1)))
    whole = model(path, input_tensor=x, input_shape=(6, 6, 1))
    assert whole.inputs[0] is inputs
    np.testing.assert_allclose(whole(2 * X), built(X), rtol=1e-5)


def test_names():
    assert keras_name("vgg16") == "vgg16" and keras_name("a/b-c.1.keras") == "b_c_1"


@keras.saving.register_keras_serializable("test_keras_file")
class Unknown(layers.Layer):
    def call(self, x):
        return x


def test_what_is_refused(file, monkeypatch):
    path, _ = file

    def refusal(*args, **settings):
        with pytest.raises(Refusal) as caught:
            model(*args, **settings)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert refusal("none.keras") == "no file none.keras."
    assert "no setting 'filters'" in refusal(path, filters=3)
    assert "classes, an integer above 0" in refusal(path, classes=0)
    assert "inputs of shape (6, 6, 1)" in refusal(path, input_shape=(5, 5, 1))
    saved("lambda.keras", layers.Lambda(lambda x: x + 1, name="code"))
    assert "it has a Lambda layer, whose code kzoo does not run" in refusal("lambda.keras")
    saved("unknown.keras", Unknown())
    registered = keras.saving.get_custom_objects()
    monkeypatch.delitem(registered, "test_keras_file>Unknown")
    assert "its class test_keras_file>Unknown is not registered: import the module" in refusal("unknown.keras")
    own = saved("own.keras", loss=Own())
    monkeypatch.delitem(registered, "test_keras_file>Own")
    np.testing.assert_array_equal(model("own.keras")(X), own(X))  # its loss is not needed
    x = keras.Input((3,))
    keras.Model(x, layers.Dot(-1)([x, layers.Dense(3)(x)])).save("dot.keras")
    assert "a file whose last layer has units or filters, where classes is given" in refusal("dot.keras", classes=2)
    with open("damaged.keras", "wb") as damaged:
        damaged.write(b"PK")
    assert "damaged.keras cannot be loaded" in refusal("damaged.keras")


@keras.saving.register_keras_serializable("test_keras_file")
class Own(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred)

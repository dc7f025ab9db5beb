"""The registry: counts, shapes and weight names of every variant, and a one-line message for every misuse."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.catalogue import add_sizes, sketch
from kzoo.checks import Refusal
from kzoo.index import check_model, find_models
from kzoo.models.registry import describe, feature_extractor, find, list_models, model, register_family
from tests.models.cards import DRAWN, trained
from tests.models.families import CARDS, PIXELS
from tests.models.golden import GOLDEN, text, weights_of


def refusal(call, *args, **settings):
    """Returns the message of the Refusal that a call raises, which is one line."""
    with pytest.raises(Refusal) as caught:
        call(*args, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_cards_name_every_model():
    assert sorted(CARDS) == list_models()


@pytest.mark.parametrize("name", CARDS)
def test_card(name):
    """As in the tables of the test files. Saved weights are found by their names, so names never change."""
    built, (parameters, shape, classes) = sketch(name), CARDS[name]
    outputs = [output.shape for output, label in zip(built.outputs, built.output_names) if label != DRAWN]
    assert trained(built) == parameters and built.name == name and type(built).__name__ == "Functional"
    first = built.input_shape[0] if isinstance(built.input_shape, list) else built.input_shape
    assert first == (None, *shape) and all(output[-1] == classes for output in outputs)
    assert all(len(output) == (4 if name in PIXELS else 2) for output in outputs)
    file = GOLDEN / f"{name}.json"  # a change would break all published files of weights
    assert json.loads(file.read_text()) == weights_of(built), f"{file} holds the names published for {name}"


def test_golden_files_are_those_of_the_models():
    files = {file.stem: file.read_text() for file in GOLDEN.glob("*.json")}
    assert sorted(files) == list_models(), "python -m tests.models.golden writes the files of new models"
    assert all(text(json.loads(old)) == old for old in files.values())


def test_list_models():
    assert list_models("mnist1d_fc*") == ["mnist1d_fc", "mnist1d_fc100"]
    assert list_models("nothing*") == [] and list_models("nielsen_[45]") == ["nielsen_4", "nielsen_5"]


def test_unknown_names_suggest_the_nearest():
    assert refusal(model, "mnist1d_cn").startswith("no model 'mnist1d_cn'; did you mean 'mnist1d_cnn' or ")
    assert "did you mean 'mnist1d_cnn'" in refusal(find, "Mnist1d_cnn")
    assert refusal(describe, "").startswith("no model ''; known: alexnet,")
    for name in (None, 5, ["mnist1d_cnn"], ("a",), {}):
        assert refusal(model, name).startswith(f"no model {name!r}; ")


def test_unknown_settings_suggest_the_nearest():
    got = refusal(model, "mnist1d_cnn", filtres=8)
    assert got.startswith("model 'mnist1d_cnn' has no setting 'filtres'; did you mean 'filters' or ")
    assert "has no setting 'l2'" in refusal(model, "mnist1d_fc", l2=0.1)
    assert "did you mean 'classes'" in refusal(model, "nielsen_3", clases=3)


def test_taken_names_are_refused(own_modules):
    builder, _ = find("mnist1d_cnn")
    assert refusal(register_family, builder, {"nielsen_0": {}}).endswith("received name='nielsen_0'.")
    assert "no setting 'wings'" in refusal(register_family, builder, {"new": {"wings": 2}})
    assert "new" not in list_models()
    register_family(builder, {"new": {"filters": 4}})
    assert model("new").get_layer("stage1").filters == 4 and "new" in list_models()


def tiny(units=3, activation="softmax"):
    """A model of two layers.

    Source: none.
    """
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation, name="stage1")])


def with_preprocessing(classes=2, input_shape=(4,)):
    x = inputs = keras.Input(input_shape)
    shared = keras.layers.Dense(input_shape[0], name="shared")
    x = keras.layers.Add(name="stage1")([shared(x), shared(shared(x))])
    return keras.Model(inputs, keras.layers.Dense(classes, name="top")(x))


def test_builders_take_what_they_want(own_modules):
    """What a builder does not take, of name, input_tensor, input_shape and weights, is applied to its model."""
    register_family(tiny, {"tiny": {}, "tiny_5": {"units": 5}})
    built = model("tiny_5", input_shape=(4,), units=6)
    assert built.name == "tiny_5" and built.output_shape == (None, 6) and not isinstance(built, keras.Sequential)
    assert model("tiny", name="mine").name == "mine"
    scaled = keras.layers.Rescaling(2.0)(inputs := keras.Input((4,), name="in"))
    whole = model("tiny", input_tensor=scaled, name="whole")
    assert [layer.name for layer in whole.layers][::2] == ["in", "stage1"] and whole.inputs[0] is inputs
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    kernel, bias = whole.get_layer("stage1").get_weights()
    np.testing.assert_allclose(whole(x), keras.activations.softmax(2 * x @ kernel + bias), rtol=1e-5)
    whole.save_weights(own_modules / "tiny.weights.h5")
    np.testing.assert_array_equal(model("tiny", weights="tiny.weights.h5").get_weights()[0], kernel)
    assert refusal(model, "tiny", input_shape=(5,)).startswith("model 'tiny' expects inputs of shape (4,); received")
    assert "no setting 'classes'" in refusal(model, "tiny", classes=3)
    known = describe("tiny_5")
    assert known["doc"].startswith("A model of two layers.") and known["settings"]["units"] == 5
    found = find_models("tiny*")
    assert found[0]["what"] == "A model of two layers." and "weights" in found[1]["settings"]
    check_model("tiny", ["units", "weights", "features"])


def test_layers_that_are_shared_stay_shared_behind_preprocessing(own_modules):
    register_family(with_preprocessing, {"sharing": {}})
    inputs = keras.Input((6,))
    built = model("sharing", classes=3, input_shape=(6,), input_tensor=keras.layers.Rescaling(0.5)(inputs))
    assert built.count_params() == 6 * 7 + 7 * 3
    x, (kernel, bias, top, top_bias) = np.ones((1, 6), "float32"), built.get_weights()
    once = 0.5 * x @ kernel + bias
    np.testing.assert_allclose(built(x), (once + once @ kernel + bias) @ top + top_bias, rtol=1e-4)


@pytest.mark.parametrize(
    "builder, words",
    [
        (lambda: 5, "'own' expects a builder that returns a functional or built Sequential keras.Model; received"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "returned='Sequential'"),
        (lambda needed: tiny(), "cannot be built so: "),
        (lambda: {}["x"], "model 'own' cannot be built so: KeyError: 'x' ("),
        (lambda **settings: tiny(3, **settings), "cannot be built so: "),  # which has no name
    ],
)
def test_builders_that_fail(own_modules, builder, words):
    register_family(builder, {"own": {}})
    assert words in refusal(model, "own")
    assert find_models("own")[0]["what"] == "" and "own" in [one["name"] for one in add_sizes(find_models("own"))]


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x.keras", 5, None])
def test_names_that_cannot_be_used(own_modules, name):
    assert "register_family expects a name" in refusal(register_family, tiny, {name: {}})


def test_features():
    built = model("nielsen_3", features=("stage2", "stage1"))
    assert [tuple(shape) for shape in built.output_shape] == [(None, 4, 4, 40), (None, 12, 12, 20)]
    one = model("mnist1d_cnn", features="stage3")
    assert one.name == "mnist1d_cnn_features"
    whole = model("mnist1d_cnn")
    maps = feature_extractor(whole, ["stage3"])
    assert maps.get_layer("stage3") is whole.get_layer("stage3")  # the weights are shared
    x = np.random.default_rng(0).normal(size=(2, 40, 1)).astype("float32")
    assert tuple(maps(x).shape) == (2, 4, 15)
    assert "did you mean 'stage3'" in refusal(model, "mnist1d_cnn", features=["stage33"])
    for bad in ((), [], 5, {"stage1"}, ""):
        assert "features" in refusal(model, "mnist1d_cnn", features=bad)
    for bad in ([5], [["stage1"]], [None]):
        assert refusal(model, "mnist1d_cnn", features=bad).endswith(f"features={bad[0]!r}.")


def test_overrides():
    built = model("mnist1d_cnn", filters=4, kernel_size=5, strides=1, stages=2, padding="same", name="mine", classes=3)
    assert (
        built.name == "mine"
        and built.output_shape == (None, 3)
        and built.get_layer("stage2").output.shape == (None, 40, 4)
    )
    assert model("nielsen_3", fc_units=[7]).get_layer("fc1").units == 7
    assert model("mnist1d_fc", input_shape=(12, 2)).count_params() == 24 * 285 + 285 + 38_610 + 8_160 + 610
    logits = model("nielsen_0", classifier_activation=None)
    assert logits.get_layer("predictions").activation is keras.activations.linear


@pytest.mark.parametrize("name, shape, channels", [("mnist1d_cnn", (4, 15), 15), ("nielsen_3", (4, 4, 40), 40)])
def test_without_top(name, shape, channels):
    assert model(name, include_top=False).output_shape == (None, *shape)
    for pooling, reduce in {"avg": np.mean, "max": np.max}.items():
        built = model(name, include_top=False, pooling=pooling)
        assert built.output_shape == (None, channels)
        x = np.random.default_rng(0).normal(size=(2, *built.input_shape[1:])).astype("float32")
        maps = keras.Model(built.inputs, built.layers[-2].output)(x).numpy()
        wanted = reduce(maps, axis=tuple(range(1, maps.ndim - 1)))
        np.testing.assert_allclose(built(x), wanted, rtol=1e-5, atol=1e-6)  # the order of float32 sums
    assert "pooling" in refusal(model, name, pooling="min")


def test_without_top_of_fully_connected_layers():
    assert model("mnist1d_fc", include_top=False, pooling="avg").output_shape == (None, 60)


def test_unknown_sizes_without_top():
    built = model("mnist1d_cnn", input_shape=(None, 1), include_top=False)
    assert built.output_shape == (None, None, 15) and tuple(built(np.zeros((1, 80, 1))).shape) == (1, 9, 15)
    assert "include_top=True" in refusal(model, "mnist1d_cnn", input_shape=(None, 1))


def test_input_tensor():
    inputs = keras.Input((40, 1), name="signal")
    scaled = keras.layers.Rescaling(0.5, name="half")(inputs)
    built = model("mnist1d_cnn", input_tensor=scaled)
    assert built.inputs[0] is inputs and built.get_layer("half") and built.count_params() == 2_050
    assert "input_tensor" in refusal(model, "mnist1d_cnn", input_tensor="signal")


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": 0},
        {"classes": -1},
        {"classes": True},
        {"classes": 2.0},
        {"classes": "ten"},
        {"classes": None},
        {"input_shape": 40},
        {"input_shape": (0, 1)},
        {"input_shape": (-40, 1)},
        {"input_shape": "40"},
        {"input_shape": (28, 28, 1)},
        {"kernel_size": 41},
        {"kernel_size": 0},
        {"filters": -3},
        {"filters": "many"},
        {"strides": 0},
        {"padding": "sme"},
        {"activation": "rellu"},
        {"kernel_initializer": "he_unifrm"},
        {"classifier_activation": "sofmax"},
        {"layer": "tield"},
        {"stages": 0},
        {"stages": 9},
        {"weights": "nowhere"},
        {"weights": 5},
    ],
    ids=str,
)
def test_refused_settings(settings):
    got = refusal(model, "mnist1d_cnn", **settings)
    assert "mnist1d_cnn" in got or "Conv1D" in got


@pytest.mark.large
def test_too_many_layers_in_a_row():
    assert "more layers in a row than Keras can follow" in refusal(model, "mnist1d_fc", units=[1] * 1000)


def test_describe():
    known = describe("nielsen_6")
    assert known["family"] == "nielsen" and known["source"].startswith("Nielsen 2015,")
    assert known["settings"]["dropout"] == 0.5 and known["settings"]["name"] == "nielsen_6"
    assert known["settings"]["classes"] == 10 and "Layers:" in known["doc"]


@pytest.mark.parametrize("name", ["mnist1d_local", "nielsen_6"])
def test_half_precision_ends_in_float32(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = model(name)
    finally:
        keras.config.set_dtype_policy(before)
    first = built.get_layer("stage1" if name.startswith("mnist1d") else "stage1_conv")
    assert first.compute_dtype == "bfloat16" and first.variable_dtype == "float32"
    assert built.get_layer("predictions").compute_dtype == "float32"
    assert built(np.zeros((1, *built.input_shape[1:]))).dtype == tf.float32

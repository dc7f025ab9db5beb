"""Models with their preprocessing, built from configs."""

import contextlib

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.examples import Examples
from kzoo.models import weights
from kzoo.models.registry import model as zoo_model
from kzoo.training.model_building import build_model
from kzoo.training.trainer_building import build_trainer
from tests.training.small import config


def test_model_takes_its_shape_and_classes_from_the_data():
    model = build_model(config(), (12, 1), 3)
    assert model.input_shape == (None, 12, 1) and model.output_shape == (None, 3) and model.name == "mnist1d_fc"
    assert build_model(config(), (40, 1), None).output_shape == (
        None,
        10,
    )  # a dataset that does not declare its classes


def test_preprocessing_travels():
    specs = "data.preprocess=[{class_name: Rescaling, config: {scale: 0.5, offset: 1}}, Normalization]"
    x = np.random.default_rng(0).normal(3, 2, (50, 12, 1)).astype("float32")
    model = build_model(config(specs), (12, 1), 3, Examples.from_arrays(x, np.zeros(50, int)))
    assert [type(layer).__name__ for layer in model.layers[:3]] == ["InputLayer", "Rescaling", "Normalization"]
    known = keras.Model(model.input, model.layers[2].output)(x).numpy()
    assert abs(known.mean()) < 1e-3 and abs(known.std() - 1) < 1e-3  # Normalization learned the statistics of its input
    with_own = "data.preprocess=[{class_name: Normalization, config: {mean: 1.0, variance: 4.0, axis: null}}]"
    model = build_model(config(with_own), (12, 1), 3, Examples.from_arrays(x, np.zeros(50, int)))
    np.testing.assert_allclose(keras.Model(model.input, model.layers[1].output)(x), (x - 1) / 2, rtol=1e-5)


def test_layers_within_the_model_learn_from_the_data_too(tmp_path):
    """They learn after the preprocessing layers, which learn once, and not if the model comes with weights."""
    sets = ["data.preprocess=[Normalization]", "model={name: kmeans_features, filters: 3, kernel: 2}"]
    draw = np.random.default_rng(0)
    x = draw.normal(3, 2, (20, 5, 5, 1)).astype("float32")
    train = Examples.from_arrays(x, np.zeros(20, int))
    chosen = read_config("mnist1d_fc", sets)
    model = build_model(chosen, (5, 5, 1), 3, train)
    maps = keras.Model(model.input, [model.layers[1].output, model.get_layer("standardize").output])
    first, last = (y.numpy() for y in maps(x))
    assert (
        abs(first.mean()) < 1e-3
        and np.abs(last.mean(0)).max() < 1e-3
        and np.array(model.get_layer("stage1").mean).any()
    )
    model.save_weights(tmp_path / "model.weights.h5")
    chosen = read_config("mnist1d_fc", [*sets, f"model.weights={tmp_path / 'model.weights.h5'}"])
    again = build_model(chosen, (5, 5, 1), 3, Examples.from_arrays(x[:10] ** 2, np.zeros(10, int)))
    for name in ("stage1", "standardize"):
        for kept, weight in zip(model.get_layer(name).weights, again.get_layer(name).weights):
            np.testing.assert_array_equal(weight, kept)


@pytest.mark.parametrize(
    "sets, words",
    [
        ("model.input_shape=[28, 28, 1]", "model.input_shape expects that of the data, (40, 1); received "),
        ("model.classes=7", "model.classes expects that of the data, 10; received "),
        ("model.name=mnist1d_fcc", "no model 'mnist1d_fcc'; did you mean"),
        ("model.unit=[4]", "model 'mnist1d_fc' has no setting 'unit'; did you mean 'units'"),
        (
            "data.preprocess=[Rescalin]",
            "data.preprocess.0 expects a layer; received 'Rescalin'; did you mean 'Rescaling'",
        ),
        (
            "data.preprocess=[{class_name: Reshape, config: {target_shape: [3, 3]}}]",
            "data.preprocess.0: Reshape refuses inputs of shape (40, 1): The total size of the tensor must be",
        ),
        (
            "data.preprocess=[Normalization, {class_name: LayerNormalization, config: {axis: 5}}]",
            "data.preprocess.1: LayerNormalization refuses inputs of shape (40, 1): tuple index out of range",
        ),
        ("data.preprocess=[ZeroPadding2D]", "data.preprocess.0: ZeroPadding2D refuses inputs of shape (40, 1): "),
    ],
)
def test_refusals(sets, words):
    with pytest.raises(Refusal) as caught:
        build_model(config(sets), (40, 1), 10)
    assert str(caught.value).startswith(words)


def test_settings_that_agree_with_the_data_are_accepted():
    assert build_model(config("model.input_shape=[40, 1]", "model.classes=10"), (40, 1), 10).output_shape == (None, 10)


def test_first_layers_from_elsewhere(tmp_path):
    """The two stages of another model stay frozen and the later layers learn; null keeps the initial weights."""
    source = zoo_model("mnist1d_fc", units=[4, 3], classes=5, input_shape=(12, 1))
    source.save(tmp_path / "model.keras")
    sets = ("model.units=[4, 3, 6]", f"transfer={{weights: {tmp_path}, until: stage2}}")
    model = build_model(config(*sets), (12, 1), 3)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights()[:4], source.get_weights()[:4], strict=True))
    trainer = build_trainer(config(*sets), model)
    assert [w.path.split("/")[0] for w in trainer.trainable_weights[::2]] == ["stage3", "predictions"]
    trainer.fit(np.ones((4, 12, 1)), np.arange(4) % 3, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(model.get_weights()[:5], source.get_weights()[:5])]
    assert changed == [False] * 4 + [True]
    assert all(layer.trainable for layer in build_model(config(*sets, "transfer.freeze=false"), (12, 1), 3).layers)
    random = build_model(config(*sets, "transfer.weights=null"), (12, 1), 3)
    assert not np.array_equal(random.get_weights()[0], source.get_weights()[0])
    assert not random.get_layer("stage2").trainable and random.get_layer("stage3").trainable
    with pytest.raises(Refusal, match="until, did you mean 'stage2'"):
        build_model(config(*sets, "transfer.until=stage22"), (12, 1), 3)


def test_first_layers_of_a_tag():
    """The refusal of another source lists it."""
    wanted = zoo_model("mnist1d_cnn", weights="mnist1d").get_weights()
    sets = ["model={name: mnist1d_cnn}", "transfer={weights: mnist1d, until: stage3}"]
    model = build_model(read_config("mnist1d_fc", sets), (40, 1), 3)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights()[:6], wanted[:6], strict=True))
    tagged = read_config("mnist1d_fc", ["model={name: mnist1d_cnn, weights: mnist1d}"])
    model = build_model(tagged, (40, 1), 3)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights()[:6], wanted[:6], strict=True))
    with pytest.raises(Refusal, match="weights, None, 'mnist1d', an existing"):
        build_model(read_config("mnist1d_fc", [*sets, "transfer.weights=mnist"]), (40, 1), 3)


def test_a_tag_brings_its_settings(monkeypatch):
    """Such as the epsilon that weights of Keras's ResNets need; the config's own come first."""
    source = zoo_model("mnist1d_cnn", filters=4)
    arrays = {layer.name: [np.array(weight) for weight in layer.weights] for layer in source.layers if layer.weights}
    tag = weights.Tag(lambda names: contextlib.nullcontext(arrays), {"filters": 4, "activation": "tanh"})
    monkeypatch.setattr(weights, "_TAGS", {("mnist1d_cnn", "mine"): tag})
    sets = ["model={name: mnist1d_cnn, activation: relu}", "transfer={weights: mine, until: stage3}"]
    model = build_model(read_config("mnist1d_fc", sets), (40, 1), 3)
    np.testing.assert_array_equal(model.get_layer("stage3").kernel, source.get_layer("stage3").kernel)
    assert model.get_layer("stage3").activation.__name__ == "relu"


def test_weights_of_vgg16(tmp_path):
    source = zoo_model("vgg16", width=1 / 64, include_top=False, input_shape=(32, 32, 3))
    source.save(tmp_path / "model.keras")
    transfer = f"transfer={{weights: {tmp_path}, source_model: vgg16, until: stage5, freeze: false}}"
    chosen = read_config("segnet", ["model.width=0.015625", transfer])
    model = build_model(chosen, (32, 32, 3), None)
    np.testing.assert_array_equal(model.get_layer("stage5_conv3").kernel, source.get_layer("stage5_conv3").kernel)


def test_a_file_of_keras(tmp_path):
    """It keeps its weights and what it has learned, also behind preprocessing, unless new ones are asked for."""
    x = np.random.default_rng(0).normal(3, 2, (20, 12, 1)).astype("float32")
    norm = keras.layers.Normalization(name="norm")
    norm.adapt(x * 10)
    flatten, top = keras.layers.Flatten(name="flatten"), keras.layers.Dense(3, "softmax", name="top")
    keras.Sequential([keras.Input((12, 1)), norm, flatten, top]).save(tmp_path / "file.keras")
    saved, train = keras.models.load_model(tmp_path / "file.keras"), Examples.from_arrays(x, np.zeros(20, int))

    def built(more="", *sets):
        return build_model(config(f"model={{keras: '{tmp_path}/file.keras'{more}}}", *sets), (12, 1), 3, train)

    np.testing.assert_array_equal(built()(x), saved(x))
    scaled = built("", "data.preprocess=[{class_name: Rescaling, config: {scale: 0.5}}]")
    np.testing.assert_allclose(scaled(2 * x), saved(x), rtol=1e-5)
    assert [layer.name for layer in scaled.layers] == ["input", "preprocess1", "norm", "flatten", "top"]
    fresh = built(", weights: null")
    np.testing.assert_allclose(fresh.get_layer("norm").mean, x.mean(), atol=1e-5)
    with pytest.raises(Refusal, match="model.classes expects that of the data, 3; received classes=4"):
        built(", classes: 4")
    frozen = built("", "transfer={until: norm}")
    assert not frozen.get_layer("norm").trainable and frozen.get_layer("top").trainable
    with pytest.raises(Refusal, match="expects inputs of shape"):
        build_model(config(f"model={{keras: '{tmp_path}/file.keras'}}"), (9, 1), 3)

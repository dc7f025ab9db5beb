"""Models saved by Keras 2 load with its outputs; each way in which Keras loads weights converts them."""

import json
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.layers.locally_connected import LocallyConnected1D
from kzoo.models.keras_2_file import load_keras_2, load_keras_2_weights
from tests.models.keras_2_files import ARCHIVE

NAMES = ["signals_1", "signals_2", "signals_3", "ambiguous", "same", "mixed"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("keras_2")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(found)
    return found


@pytest.fixture(scope="module")
def outputs(folder):
    with np.load(folder / "outputs.npz") as found:
        return dict(found)


def hold(model, outputs, name):
    want = outputs[f"{name}_y"]
    np.testing.assert_allclose(model(outputs[f"{name}_x"]), want, rtol=0, atol=2e-6 * np.abs(want).max())


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("name", NAMES)
def test_whole_models(folder, outputs, tmp_path, name, suffix):
    """Also after saving the model with Keras 3."""
    model = load_keras_2(folder / f"{name}.{suffix}")
    hold(model, outputs, name)
    model.save(tmp_path / "model.keras")
    hold(keras.models.load_model(tmp_path / "model.keras"), outputs, name)


def fresh(number):
    local = LocallyConnected1D(4, 3, strides=2, implementation=number, name="local")
    dense = keras.layers.Dense(3, name="top")
    return keras.Sequential([keras.Input((9, 2)), local, keras.layers.Flatten(), dense], name=f"sequential_{number}")


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("file", ["{}.h5", "{}_legacy.h5", "{}.weights.h5", "{}.keras"])
def test_weights(folder, outputs, number, file):
    """Into a model of kzoo's layer, with Keras's own method too."""
    name = f"signals_{number}"
    path = folder / file.format(name)
    model = fresh(number)
    assert load_keras_2_weights(model, path) is model
    hold(model, outputs, name)
    model = fresh(number)
    model.load_weights(path)
    hold(model, outputs, name)
    if "weights" in file or "keras" in file:
        with pytest.raises(Refusal, match="by_name with legacy .h5 files only"):
            load_keras_2_weights(model, path, by_name=True)
    else:
        model = fresh(number)
        load_keras_2_weights(model, path, by_name=True)
        hold(model, outputs, name)


def test_weights_by_name(folder, outputs):
    """Layers of other names, here the first, keep their weights whatever the file's order."""
    x = keras.Input((9, 2))
    local = LocallyConnected1D(4, 3, strides=2, name="local")
    y = keras.layers.Flatten()(local(keras.layers.Conv1D(2, 1, name="new")(x)))
    model = keras.Model(x, keras.layers.Dense(3, name="top")(y))
    kernel = np.eye(2, dtype="float32")[None]
    model.get_layer("new").set_weights([kernel, np.zeros(2)])
    with pytest.raises(Refusal, match="it has 2 layers with weights, the model 3"):
        load_keras_2_weights(model, folder / "signals_3.h5")
    hold(load_keras_2_weights(model, folder / "signals_3.h5", by_name=True), outputs, "signals_3")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="other")])
    with pytest.raises(Refusal, match="no weights for a layer of the model's names; its layers: local, flatten.*, top"):
        load_keras_2_weights(other, folder / "signals_3.h5", by_name=True)


def test_weights_of_this_layer_are_not_converted(tmp_path):
    """With channels first, where Keras 2's biases are in another order."""
    built = LocallyConnected1D(2, 2, data_format="channels_first", name="local", bias_initializer="normal")
    model = keras.Sequential([keras.Input((2, 5)), built])
    before = model.get_weights()
    for file in ("own.h5", "own.keras"):
        model.save(tmp_path / file)
        model.set_weights([0 * weight for weight in before])
        model.load_weights(tmp_path / file)
        assert all(map(np.array_equal, model.get_weights(), before))


def test_weights_that_do_not_fit(folder):
    """Nothing is loaded if one layer does not fit."""
    local = LocallyConnected1D(5, 3, strides=2, name="local")
    model = keras.Sequential([keras.Input((9, 2)), local, keras.layers.Flatten(), keras.layers.Dense(3, name="top")])
    before = model.get_weights()
    for file in ("signals_1.h5", "signals_1.weights.h5"):
        with pytest.raises(Refusal, match="LocallyConnected1D expects a kernel of shape"):
            load_keras_2_weights(model, folder / file)
    assert all(map(np.array_equal, model.get_weights(), before))
    model = keras.Sequential([keras.Input((9, 2)), *fresh(1).layers[:2], keras.layers.Dense(4, name="top")])
    before = model.get_weights()
    with pytest.raises(
        Refusal, match=r"weights of shapes \[\(16, 3\), \(3,\)\] for layer top, which takes \[\(16, 4\)"
    ):
        load_keras_2_weights(model, folder / "signals_1.h5")
    with pytest.raises(Refusal, match=r"cannot be loaded as weights of Keras 2: .*"):
        load_keras_2_weights(model, folder / "signals_1.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), before))


def edited(source, target, change):
    """Copies a .h5 file and applies `change` to its config."""
    shutil.copy(source, target)
    with h5py.File(target, "r+") as store:
        config = json.loads(store.attrs["model_config"])
        change(config["config"]["layers"])
        store.attrs["model_config"] = json.dumps(config)
    return target


def test_configs_without_an_input_layer(folder, outputs, tmp_path):
    """Older versions of Keras 2 kept the input's shape in the first layer."""

    def change(layers):
        shape = layers.pop(0)["config"]["batch_input_shape"]
        layers[0]["config"]["batch_input_shape"] = shape

    hold(load_keras_2(edited(folder / "signals_3.h5", tmp_path / "old.h5", change)), outputs, "signals_3")


def test_custom_objects(folder, tmp_path):
    class Doubled(keras.layers.Dense):
        def call(self, inputs):
            return 2 * super().call(inputs)

    file = edited(folder / "signals_1.h5", tmp_path / "own.h5", lambda layers: layers[-1].update(class_name="Doubled"))
    with np.load(folder / "outputs.npz") as found:
        x, y = found["signals_1_x"], found["signals_1_y"]
    np.testing.assert_allclose(load_keras_2(file, {"Doubled": Doubled})(x), 2 * y, rtol=1e-5, atol=1e-5)
    with pytest.raises(Refusal, match="cannot be loaded as a model of Keras 2: .*Doubled"):
        load_keras_2(file)


def test_refused(folder, tmp_path):
    def refusal(path, **settings):
        with pytest.raises(Refusal) as caught:
            load_keras_2(path, **settings)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for bad in (tmp_path / "none.h5", 5, None, "", tmp_path):
        assert "path, an existing .h5, .hdf5 or .keras file; received" in refusal(bad)
    assert "it holds weights only" in refusal(folder / "signals_1_legacy.h5")
    assert "it holds weights only" in refusal(folder / "signals_1.weights.h5")
    for name in ("bad.h5", "bad.keras"):
        (tmp_path / name).write_bytes(b"not a model")
        assert "cannot be loaded as a model of Keras 2" in refusal(tmp_path / name)

    def grouped(layers):
        layers[-1].update(class_name="DepthwiseConv2D", config={"kernel_size": 3, "groups": 2})

    got = refusal(edited(folder / "signals_1.h5", tmp_path / "groups.h5", grouped))
    assert "DepthwiseConv2D expects groups=1 in Keras 3; received groups=2" in got
    with h5py.File(edited(folder / "signals_1.h5", tmp_path / "nan.h5", len), "r+") as store:
        store["model_weights/top/top/bias:0"][0] = np.nan
    assert "it is not finite" in refusal(tmp_path / "nan.h5")

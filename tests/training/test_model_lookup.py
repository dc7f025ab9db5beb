"""Runs and models by name for exports, and predictions by runs and exports."""

import keras
import numpy as np
import pytest

from kzoo import run_folder
from kzoo.checks import Refusal
from kzoo.config.config import resolved
from kzoo.config.config_files import read_config
from kzoo.config.yaml_file import write_yaml
from kzoo.export.registry import FORMATS
from kzoo.layers import Padding2D
from kzoo.models.load_model import load_model
from kzoo.models.registry import model
from kzoo.training import model_lookup
from kzoo.training.model_lookup import find_exportable, open_predictor

DRAW = np.random.default_rng(0)


def test_a_run(finished):
    folder, _ = finished
    found = find_exportable(folder)
    assert found.origin.startswith(f"The run `{folder.name}` of kzoo: `mnist1d_fc` trained on `")
    assert found.data["examples"].shape == (15, 12, 1) and found.data["targets"].shape == (15,)
    assert found.data["representative"].shape == (36, 12, 1) and found.data["images"] is False
    assert found.model.input_shape == (None, 12, 1)
    assert 0 <= found.results["test"]["error"] <= 1 and found.results["epochs"] == 1


def test_a_run_predicts_images_resized_as_its_data(monkeypatch, tmp_path):
    """A run's config says how; a model's file alone does not."""
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    model.save(tmp_path / "model.keras")
    config = read_config("nielsen_1", ["data.image_size=[4, 4]", "data.resize=crop"])
    write_yaml(resolved(config), tmp_path / "config.yaml")
    assert open_predictor(tmp_path).resize == "crop"
    assert open_predictor(tmp_path / "model.keras").resize == "stretch"


def test_a_run_whose_data_has_changed(changed, capsys):
    """The data is used if the model still fits it."""
    assert "examples" in find_exportable(changed).data
    line = f"the data changed since the run at {changed}: "
    assert capsys.readouterr().err == f"{line}train 36 instead of 35.\n"
    (changed / "data.json").write_text('{"input_shape": [13, 1]}')
    assert find_exportable(changed).data == {"labels": None, "resize": "stretch"}
    assert capsys.readouterr().err == (
        f"Exporting without the data of the run: {line}input_shape [12, 1] instead of [13, 1]; its model does not fit "
        "the data any more.\n"
    )


def test_a_run_takes_precedence_over_a_model(finished, monkeypatch):
    folder, _ = finished
    monkeypatch.setattr(run_folder, "known_models", lambda: {str(folder): {}})
    assert find_exportable(str(folder)).origin.startswith("The run ")


def test_a_run_whose_data_is_gone(finished, monkeypatch):
    folder, _ = finished

    def gone(_):
        raise Refusal("gone")

    monkeypatch.setattr(model_lookup, "load_data", gone)
    found = find_exportable(folder)
    assert found.origin.endswith("; its data is not available") and found.data == {"labels": None, "resize": "stretch"}


def test_a_model_of_the_zoo():
    found = find_exportable("capsnet")
    assert (
        found.origin == "The model `capsnet` of kzoo's zoo, with initial weights"
        and found.data == {}
        and found.results is None
    )
    assert len(found.model.inputs) == 1  # without the label's input, which serves training only


def test_a_model_of_the_zoo_with_weights(tmp_path):
    found = find_exportable("mnist1d_cnn", weights="mnist1d")
    assert found.origin == "The model `mnist1d_cnn` of kzoo's zoo, with the weights `mnist1d`" and found.trained
    weights = model("mnist1d_cnn", weights="mnist1d").get_weights()
    assert all(map(np.array_equal, found.model.get_weights(), weights))
    with pytest.raises(Refusal, match="mnist1d_cnn expects weights, None, 'mnist1d', an existing"):
        find_exportable("mnist1d_cnn", weights="mnist")


def test_initial_weights_are_the_same_at_each_call():
    first, again = (find_exportable("mnist1d_cnn") for _ in range(2))
    assert first.trained is False and all(map(np.array_equal, first.model.get_weights(), again.model.get_weights()))


def loss(y, p):
    return p


def test_a_file_of_the_user(tmp_path, capsys, monkeypatch):
    """Compiled with a loss that nobody knows, with a layer of kzoo, several inputs and outputs."""
    a, b = keras.Input((4, 4, 1), name="a"), keras.Input((2,), name="b")
    y = keras.layers.Flatten()(Padding2D(1, "circular")(a))
    built = keras.Model([a, b], [y, keras.layers.Dense(1)(b)])
    built.compile(loss=[loss, "mse"])
    built.save(tmp_path / "mine.keras")
    np.savez(tmp_path / "x.npz", b=np.ones((9, 2)), a=np.ones((9, 4, 4, 1)))
    monkeypatch.setattr(model_lookup, "VERIFICATION_EXAMPLES", 5)
    found = find_exportable(tmp_path / "mine.keras", inputs=tmp_path / "x.npz")
    assert found.origin == "The model in the file `mine.keras`" and found.trained is None and found.results is None
    assert len(found.model.outputs) == 2 and [x.shape for x in found.data["examples"].values()] == [
        (5, 4, 4, 1),
        (5, 2),
    ]
    assert "Verifying on the first 5 of 9 inputs" in capsys.readouterr().err
    assert find_exportable(tmp_path / "mine.keras").data == {}
    with pytest.raises(Refusal, match="--weights expects a model of the zoo, not a .keras file"):
        find_exportable(tmp_path / "mine.keras", weights="mnist1d")


def test_a_run_has_its_own_inputs(finished):
    with pytest.raises(Refusal, match="--inputs expects a .keras file or a model of the zoo, not a run"):
        find_exportable(finished[0], inputs="x.npz")


def test_neither():
    with pytest.raises(Refusal) as caught:
        find_exportable("mnist1d_cn")
    assert str(caught.value) == (
        "no finished run at mnist1d_cn or saved_models/mnist1d_cn: model.keras is missing and no model is called "
        "'mnist1d_cn'; did you mean 'mnist1d_cnn' or 'mnist1d_fc' or 'mnist1d_local'?"
    )


def test_a_run_predicts(finished):
    folder, _ = finished
    x = DRAW.normal(size=(4, 12, 1)).astype("float32")
    predictor = open_predictor(folder)
    assert predictor.labels is None and predictor.shape == (12, 1)
    np.testing.assert_allclose(predictor.run(x), load_model(folder)(x), atol=1e-6)


def test_an_export_in_the_folder_of_a_run_reads_images_as_the_run(monkeypatch, tmp_path):
    """All formats give the same rows for the same files."""
    x = keras.Input((4, 4, 1))
    model = keras.Model(x, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(x)))
    model.save(tmp_path / "model.keras")
    config = read_config("nielsen_1", ["data.image_size=[4, 4]", "data.resize=crop"])
    write_yaml(resolved(config), tmp_path / "config.yaml")
    FORMATS["saved_model"].write(model, tmp_path / "saved_model", labels=("no", "yes"))
    FORMATS["litert"].write(model, tmp_path / "model.tflite")
    monkeypatch.setattr("kzoo.export.predictor.refuse_damaged", lambda *_: None)  # which takes a process
    for name in ("", "saved_model", "model.tflite"):
        found = open_predictor(tmp_path / name)
        assert (found.resize, found.labels, found.shape) == ("crop", ["no", "yes"], (4, 4, 1))

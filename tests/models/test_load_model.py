"""Loading a run's model by folder, by name under saved_models/ and by file, and the messages if there is none."""

import json
import warnings
import zipfile

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.load_model import load_model
from kzoo.models.registry import model

X = np.random.default_rng(0).normal(size=(3, 40, 1)).astype("float32")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    built = model("mnist1d_local", filters=2)
    for folder in ("saved_models/local", "saved_models/several/seed_0", "saved_models/several/seed_12"):
        (top / folder).mkdir(parents=True)
        built.save(top / folder / "model.keras")
    (top / "saved_models/.half.partial").mkdir()
    return top, built


@pytest.mark.parametrize(
    "run",
    ["local", "saved_models/local", "saved_models/local/", "saved_models/local/model.keras", "several/seed_12"],
)
def test_loads(runs, monkeypatch, run):
    top, built = runs
    monkeypatch.chdir(top)
    loaded = load_model(run)
    np.testing.assert_array_equal(loaded(X), built(X))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in built.layers]


def test_takes_paths(runs):
    top, built = runs
    np.testing.assert_array_equal(load_model(top / "saved_models" / "local")(X), built(X))


def test_refuses_python_code(tmp_path):
    with warnings.catch_warnings(action="ignore"):  # of Keras, about the code
        keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: 2 * x)]).save(tmp_path / "it.keras")
    with pytest.raises(Refusal) as caught:
        load_model(tmp_path / "it.keras")
    assert str(caught.value) == (
        f"{tmp_path}/it.keras cannot be loaded: it has a Lambda layer, whose code kzoo does not run: make a class "
        "of it and register it"
    )


def loss(y, p):
    return p


def test_unknown_losses_are_not_needed(tmp_path):
    built = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    built.compile(loss=loss)
    built.save(tmp_path / "it.keras")
    assert load_model(tmp_path / "it.keras", compile=False).count_params() == 3
    with pytest.raises(Refusal, match="cannot be loaded"):
        load_model(tmp_path / "it.keras")


def test_features(runs):
    top, built = runs
    found = load_model(top / "saved_models" / "local", features=("stage1", "stage2"))
    assert [shape[-1] for shape in found.output_shape] == [2, 2]
    np.testing.assert_array_equal(found(X)[1], keras.Model(built.inputs, built.get_layer("stage2").output)(X))
    with pytest.raises(Refusal, match="stage9"):
        load_model(top / "saved_models" / "local", features="stage9")


def test_refuses_layers_larger_than_the_file(runs, tmp_path):
    """Before their weights take memory."""
    source = runs[0] / "saved_models" / "local" / "model.keras"
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(tmp_path / "large.keras", "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][-1]["config"]["units"] = 10**12
                content = json.dumps(config)
            changed.writestr(name, content)
    with pytest.raises(
        Refusal, match="large.keras cannot be loaded: a layer with units 1,000,000,000,000, but the file holds"
    ):
        load_model(tmp_path / "large.keras")


@pytest.mark.parametrize(
    "run, words",
    [
        ("none", "no finished run at none or saved_models/none: model.keras is missing."),
        ("", "no finished run at . or saved_models: model.keras is missing."),
        ("half", "the run saved_models/half is not finished: the command that started it resumes it."),
        (
            "several",
            "saved_models/several holds a run for each seed: name one of saved_models/several/seed_0, "
            "saved_models/several/seed_12.",
        ),
        ("none.keras", "no file none.keras."),
    ],
)
def test_refusals(runs, monkeypatch, run, words):
    monkeypatch.chdir(runs[0])
    with pytest.raises(Refusal) as caught:
        load_model(run)
    assert str(caught.value) == words


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut off"])
def test_damaged_files(tmp_path, content):
    (tmp_path / "bad.keras").write_bytes(content)
    with pytest.raises(Refusal, match="bad.keras cannot be loaded") as caught:
        load_model(tmp_path / "bad.keras")
    assert "\n" not in str(caught.value)

"""End to end: `python train.py` for a few steps, and its SavedModel in a process without kzoo or Keras."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kzoo import load_model
from kzoo.export.isolated_process import run_isolated
from kzoo.export.registry import find_format
from kzoo.export.verification_inputs import Batch

ROOT = Path(__file__).parents[1]
FILES = {
    *("saved_model", "model.keras", "config.yaml", "history.csv", "tensorboard", "metrics.json", "README.md"),
    *("history.png", "confusion.png", "data.json", "state.npz"),
    *("predictions.csv", "classes.csv", "mistakes.png", "filters.png"),
}
SHORT = {"epochs": 2, "steps_per_epoch": 20, "steps_per_call": 10}


def train(out, *args, data_dir=None):
    sets = [f"--set=training.{key}={value}" for key, value in SHORT.items()]
    command = [sys.executable, "train.py", *sets, "--out", str(out), *args]
    environment = {**os.environ, "COLUMNS": "120"} | ({"KZOO_DATA_DIR": str(data_dir)} if data_dir else {})
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    top = tmp_path_factory.mktemp("train")
    done = train(top / "out", "--results", str(top / "results"), data_dir=top / "data")
    assert done.returncode == 0, done.stderr[-2000:]
    return top, done


def test_prints_results_and_progress(trained):
    top, done = trained
    for words in ("mnist1d_cnn", "test error", "17 %", "training error", "2,050", "steps/s", "SavedModel reloaded"):
        assert words in done.stdout
    assert "Prince 2023, Understanding Deep Learning, section 10.2" in done.stdout
    assert "mnist1d_cnn: 2/2" in done.stderr and f"Written to {top}/out/mnist1d_cnn/" in done.stderr
    assert "WARNING" not in done.stderr and "oneDNN" not in done.stderr


def test_the_folder_is_complete(trained):
    folder = trained[0] / "out" / "mnist1d_cnn"
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["mnist1d_cnn"]
    assert all(
        path.stat().st_size > 0 for path in folder.rglob("*") if path.is_file() and "fingerprint" not in path.name
    )
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[1]["loss"]) < float(rows[0]["loss"])
    card = (folder / "README.md").read_text()
    assert "`mnist1d_cnn` trained on `mnist1d` with seed 0" in card and "| 17 % |" in card


def test_metrics(trained):
    folder = trained[0] / "out" / "mnist1d_cnn"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"test", "train", "published", "parameters", "seconds", "steps_per_second", "export"} <= metrics.keys()
    assert {"seed", "config_sha256", "versions", "epochs", "steps", "model", "data"} <= metrics.keys()
    for split in ("test", "train"):
        assert 0 < metrics[split]["error"] < 1 and 0 < metrics[split]["loss"] < 5
    source = "Prince 2023, Understanding Deep Learning, section 10.2"
    assert metrics["published"] == {"error": 0.17, "source": source, "epochs": 100, "steps_per_epoch": 1000}
    assert metrics["parameters"] == 2_050 and metrics["steps"] == 40 and metrics["seed"] == 0
    assert 0 <= metrics["export"]["max_difference"] <= 1e-5 and len(metrics["config_sha256"]) == 64
    assert metrics["seconds"] > 0 and metrics["steps_per_second"] > 0
    assert metrics["versions"].keys() == {"kzoo", "keras", "tensorflow", "numpy", "python"}
    assert metrics == json.loads((trained[0] / "results" / "mnist1d_cnn.json").read_text())


def test_the_models_agree(trained):
    folder = trained[0] / "out" / "mnist1d_cnn"
    x = np.random.default_rng(0).normal(size=(9, 40, 1)).astype("float32")
    wanted = load_model(folder).predict(x, verbose=0)
    batch = Batch("serving_default", {"input": x}, [wanted])
    ((found,),) = run_isolated(folder / "saved_model", [batch], find_format("saved_model"))
    np.testing.assert_allclose(found, wanted, atol=1e-5 * wanted.max())


def test_mnist_by_tensorflow_datasets(tmp_path):
    """A few steps on the real MNIST, with preprocessing inside the saved model."""
    if not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), "mnist")):
        pytest.skip("no prepared mnist: TFDS_DATA_DIR is unset or holds none")
    from kzoo.config.config_files import read_config
    from kzoo.training.run import run

    sets = ["training.epochs=1", "training.steps_per_epoch=300", "training.steps_per_call=100", "model.filters=[4]"]
    folder, metrics = run(
        read_config("nielsen_3", [*sets, "data.validation=1000", "export.formats=[]"]), "it", tmp_path
    )
    assert metrics["test"]["error"] < 0.5 and "validation" in metrics
    assert type(load_model(folder).layers[1]).__name__ == "Rescaling"

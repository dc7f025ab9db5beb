"""One training with one seed: its steps, its reproducibility, every dtype policy, and errors in the middle of it."""

import random

import keras
import numpy as np
import pytest
from tensorflow.python.framework.config import disable_op_determinism  # TensorFlow has no public way back

from kzoo.checks import Refusal
from kzoo.config.config_files import read_config
from kzoo.data.mock_data import mock
from kzoo.export.registry import FORMATS
from kzoo.models.load_model import load_model
from kzoo.training import seed_run
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import numeric_settings, run_seed, steps_per_epoch
from tests.training.conftest import kill_after_an_epoch
from tests.training.conftest import signals_config as config


def run(arrays, tmp_path, *sets):
    chosen = config(arrays, *sets)
    with numeric_settings(chosen.training):
        return run_seed(chosen, chosen.training.seeds[0], tmp_path / "it", "it")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.large) for name in ("mixed_bfloat16", "mixed_float16", "float64")],
)
def test_dtype_policies_through_a_whole_run(arrays, tmp_path, name):
    """Without a test split the export is verified on training examples."""
    metrics = run(arrays, tmp_path, f"training.dtype_policy={name}", "model.name=mnist1d_fc100")
    assert keras.config.dtype_policy().name == "float32"  # as before
    assert "test" not in metrics and metrics["export"]["max_difference"] <= (0.02 if "16" in name else 1e-5)
    model = load_model(tmp_path / "it")
    assert model.get_layer("stage1").compute_dtype == name.removeprefix("mixed_")
    assert np.isfinite(metrics["train"]["loss"]) and metrics["steps"] == 8


@pytest.mark.large
def test_exports_of_a_fixed_batch_size_and_of_integers(arrays, tmp_path):
    sets = ("export.formats=[onnx, litert_int8]", "export.batch_size=3", "export.integer=true")
    run(arrays, tmp_path, "model.name=mnist1d_fc100", *sets)
    assert "and zero point" in (tmp_path / "it" / "README.md").read_text()
    assert "batches of exactly 3 examples:" in (tmp_path / "it" / "README.md").read_text()
    assert next(iter(FORMATS["onnx"].open(tmp_path / "it" / "model.onnx")[0].values()))[0] == 3


def test_the_same_seed_gives_the_same_numbers(arrays, tmp_path):
    first, again = (run(arrays, tmp_path / name, "export.formats=[]") for name in "ab")
    assert first["train"] == again["train"]


@pytest.mark.large
def test_data_prepared_for_the_first_time_does_not_change_the_numbers(arrays, tmp_path, monkeypatch):
    def drawing(config):
        random.random(), np.random.random()
        return load_data(config)

    first = run(arrays, tmp_path / "a", "export.formats=[]")
    monkeypatch.setattr(seed_run, "load_data", drawing)
    assert run(arrays, tmp_path / "b", "export.formats=[]")["train"] == first["train"]


@pytest.mark.large
def test_training_sizes(tmp_path, monkeypatch):
    """Epochs of 8 x 8, 6 x 6 and 8 x 8 pixels, in a model for any; killed after the first, with the same results."""
    data = "data={name: digits, batch_size: 100, validation: 300, training_sizes: [[8, 8], [6, 6]], augment: "
    data += "[{class_name: kzoo>RandomResizedCrop, config: {height: 7, width: 7}}]}"
    sets = [data, "model={name: nin_cifar, width: 0.05}", "training.epochs=3", "training.steps_per_epoch=2"]
    sets += ["training.steps_per_call=1", "training.jit_compile=false", "export.formats=[]"]
    chosen, found = read_config("mnist1d_fc", sets), []
    kill_after_an_epoch(monkeypatch, lambda: run_seed(chosen, 0, tmp_path / "killed", "it"))
    assert (tmp_path / "killed" / "state.npz").exists()
    for name in ("killed", "whole"):
        metrics, folder = run_seed(chosen, 0, tmp_path / name, "it"), tmp_path / name
        results = [metrics[key] for key in ("test", "train", "validation", "steps")]
        history = [row.split(",")[:3] for row in (folder / "history.csv").read_text().splitlines()]
        found.append((results, history, [weight.tolist() for weight in load_model(folder).get_weights()]))
    assert found[0] == found[1] and metrics["steps"] == 6 and np.isfinite(metrics["test"]["loss"])
    assert load_model(tmp_path / "whole").input_shape == (None, None, None, 1)


def test_steps(arrays):
    data = mock((12, 1), 3, size=45)
    assert steps_per_epoch(config(arrays), data) == 4
    assert steps_per_epoch(config(arrays, "training.steps_per_epoch=", "training.steps_per_call=1"), data) == 4
    for sets, words in {
        "data.batch_size=46": "data.batch_size expects at most the 45 examples; received batch_size=46.",
        "training.steps_per_epoch=": "training.steps_per_call expects a divisor of the 4 steps per epoch; received "
        "steps_per_call=3.",
    }.items():
        chosen = config(arrays, "training.steps_per_call=1", sets)
        if sets.endswith("="):
            chosen = config(arrays, sets, "training.steps_per_call=3")
        with pytest.raises(Refusal) as caught:
            steps_per_epoch(chosen, data)
        assert str(caught.value) == words


def test_the_dtype_policy_is_restored():
    chosen = read_config("mnist1d_fc", ["training.dtype_policy=mixed_bfloat16", "training.deterministic=true"])
    with pytest.raises(KeyboardInterrupt), numeric_settings(chosen.training):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise KeyboardInterrupt
    assert keras.config.dtype_policy().name == "float32"
    disable_op_determinism()


def test_errors_after_training_have_a_note(arrays, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("a fault of Keras")

    monkeypatch.setattr(seed_run, "evaluate", fail)
    with pytest.raises(ValueError, match="a fault of Keras") as caught:
        run(arrays, tmp_path)
    assert caught.value.__notes__ == ["it: training was complete; the error is in what follows it."]
    assert type(caught.value) is ValueError and (tmp_path / "it" / "state.npz").exists()

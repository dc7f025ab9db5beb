"""One trial in its own process: its result, however the process ends."""

import csv
import io
import json
import os
import signal
import time

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config import resolved
from kzoo.training.callback_files import LostContent
from kzoo.training.checkpoint import STATE
from kzoo.tuning import trial as module
from kzoo.tuning.hyperparameters import trial_config
from kzoo.tuning.trial import call_in_process, check_configs, check_configs_in_process, read_result, run_trial
from tests.tuning.small import small, write_arrays

TRIAL = {"trial": 3, "values": {"model.units": [4]}, "epochs": None}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    return write_arrays(tmp_path_factory.mktemp("data") / "s.npz")


def run(config, folder, parent=None):
    return run_trial(trial_config(config, {}), TRIAL, folder, "it trial 3", config.search, parent)


def test_a_trial_and_one_that_continues_it(arrays, tmp_path):
    """Two epochs, continued with a third, equal three epochs at once; the test split is not used."""
    sets = ["training.deterministic=true", "training.callbacks=[{class_name: CSVLogger, config: {filename: log.csv}}]"]
    config = small(arrays, *sets, algorithm="hyperband", seeds=[0, 5])
    short = small(arrays, *sets, "training.epochs=2", algorithm="hyperband", seeds=[0, 5])
    whole = run(config, tmp_path / "whole")
    assert whole == read_result(tmp_path / "whole") and whole["status"] == "completed"
    assert whole.items() >= TRIAL.items() and whole["parameters"] == 6 * 12 + 6 + 3 * 6 + 3
    metrics = [json.loads((tmp_path / "whole" / f"seed_{seed}" / "metrics.json").read_text()) for seed in (0, 5)]
    assert whole["objective"] == np.mean([found["validation"]["accuracy"] for found in metrics])
    assert all("test" not in found for found in metrics) and metrics[0] != metrics[1]
    run(short, tmp_path / "first")
    assert run(config, tmp_path / "second", parent=tmp_path / "first")["objective"] == whole["objective"]
    for file in ("history.csv", "log.csv"):
        tables = [(tmp_path / name / "seed_5" / file).read_text() for name in ("first", "second", "whole")]
        assert tables[1] == tables[2] and tables[1].startswith(tables[0]) and tables[0] != tables[1]


def test_divergence_is_a_failure_with_its_reason(arrays, tmp_path):
    result = run(small(arrays, "training.optimizer.config.learning_rate=3e38"), tmp_path)
    assert result == read_result(tmp_path)
    assert result["status"] == "failed" and result["objective"] is None
    assert result["reason"].startswith("training diverged to a loss of nan in epoch ")
    assert not list(tmp_path.rglob(STATE))


def test_other_data_than_that_of_the_trials_before_stops_the_search(arrays, tmp_path):
    (tmp_path / "data.json").write_text('{"files of s": "ab"}')
    with pytest.raises(
        SystemExit, match="the data changed since .*data.json was written: files of s .* instead of ab."
    ):
        module._train_seed(trial_config(small(arrays), {}), 0, tmp_path / "0003", "it trial 3", None, False)


def test_a_model_that_cannot_fit_is_a_failure(arrays, tmp_path):
    result = run(small(arrays, "model.units=[1_000_000_000_000_000]"), tmp_path)
    assert result["status"] == "failed" and "mnist1d_fc needs at least" in result["reason"], result


@pytest.mark.large
def test_out_of_memory_is_a_failure(arrays, tmp_path, monkeypatch):
    """TensorFlow's error for more memory than a machine can address; its traceback is kept."""
    monkeypatch.setattr("kzoo.training.model_building.check_model_memory", lambda *_: None)  # in this process only
    monkeypatch.setattr(module, "call_in_process", lambda function, *args, heartbeat=None: function(*args) or 0)
    result = run(small(arrays, "model.units=[1_000_000_000_000_000]"), tmp_path)
    assert result["status"] == "failed" and result["reason"], result
    assert (tmp_path / "traceback.txt").read_text().startswith("Traceback")


def die(number):
    os.kill(os.getpid(), number)
    time.sleep(10)  # another thread may receive the signal a moment later


def leave():
    os._exit(7)


def test_ends_of_a_process(arrays, tmp_path, monkeypatch):
    """A kill, as when memory runs out, is a failure. A stop stops the search. Other ends give no result."""
    config, call = small(arrays), call_in_process
    monkeypatch.setattr(module, "call_in_process", lambda *args, **_: call(die, signal.SIGKILL))
    result = run(config, tmp_path)
    assert result["reason"] == "its process was ended by SIGKILL, as when memory runs out"
    assert result == read_result(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        monkeypatch.setattr(module, "call_in_process", lambda *args, number=number, **_: call(die, number))
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "stopped")
    monkeypatch.setattr(module, "call_in_process", lambda *args, **_: call(leave))
    with pytest.raises(Refusal, match="^it trial 3 ended with exit code 7, see its output above"):
        run(config, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "result.json").exists()


def test_a_damaged_state_stops_the_search(arrays, tmp_path):
    (tmp_path / "seed_0").mkdir()
    (tmp_path / "seed_0" / STATE).write_bytes(b"damaged")
    with pytest.raises(Refusal, match="^it trial 3 ended with exit code 1"):
        run(small(arrays), tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_a_damaged_log_stops_the_search(arrays, tmp_path, monkeypatch):
    def refuse(*_):
        raise LostContent("log.csv is shorter")

    monkeypatch.setattr(module, "train_seed", refuse)
    with pytest.raises(SystemExit, match="^log.csv is shorter$"):
        module._train_seed(trial_config(small(arrays), {}), 0, tmp_path / "0003", "it", None, False)


def test_settings_that_do_not_fit_are_a_failure(tmp_path):
    result = run_trial(Refusal("too many"), TRIAL, tmp_path, "it", None)
    assert result["reason"] == "too many" and result == read_result(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trial": 1}', "\0"])
def test_damaged_results(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(Refusal, match="result.json is damaged .*; delete it, and the same command runs"):
        read_result(tmp_path)


def test_metrics_that_take_the_ignored_label_of_the_data():
    metrics = (
        "training.metrics=['kzoo>MaskedAccuracy', {class_name: IoU, config: {num_classes: 3, target_class_ids: [0]}}]"
    )
    config = small("x.npz", "data.ignore_label=255", metrics, objective="val_accuracy")
    check_configs([("search", resolved(config))])


def test_a_trial_evaluates_on_the_validation_split_of_the_dataset(arrays, tmp_path):
    """Which has the same signal in each of the three classes: every model has an accuracy of a third."""
    with np.load(arrays) as stored:
        splits = {"x_train": stored["x_train"], "y_train": stored["y_train"]}
    np.savez(tmp_path / "it.npz", **splits, x_val=np.ones((3, 12, 1)), y_val=np.arange(3))
    sets = ["data.validation=val", "training.epochs=1", "training.steps_per_call=1"]
    config = trial_config(small(tmp_path / "it.npz", *sets), {})
    metrics = module._train_seed(config, 0, tmp_path / "trials" / "trial", "it", None, False)
    assert metrics["validation"]["accuracy"] == pytest.approx(1 / 3, abs=1e-6)


def test_check_configs(tmp_path):
    good = resolved(small("x.npz"))
    bad = resolved(small("x.npz", "training.optimizer.config.momentun=0.5"))
    other = resolved(small(write_arrays(tmp_path / "s.npz"), objective="val_accuray", direction="max"))
    check_configs([("here", good)])
    with pytest.raises(Refusal, match="^there: training.optimizer: SGD has no setting 'momentun'"):
        check_configs_in_process([("here", good), ("there", bad)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]
    with pytest.raises(Refusal, match="'val_accuray' is not measured; did you mean 'val_accuracy'"):
        check_configs([("here", other)])


TWO_OUTPUTS = [
    "model={name: capsnet, filters: 4, capsules: 2, fc_units: [4], kernel_size: 3}",
    "data.inputs=[x, y]",
    "data.targets=[y, x]",
    "training.steps_per_call=1",
    "training.steps_per_epoch=2",
    "training.epochs=2",
    "training.loss=[CapsuleMarginLoss, MeanSquaredError]",
    "training.metrics={reconstruction: [MeanAbsoluteError, RootMeanSquaredError], predictions: "
    "[{class_name: F1Score, config: {average: macro}}]}",
]


def test_objectives_of_numbers(tmp_path):
    """What is measured depends on the targets, which the arrays say; there is no accuracy then."""
    x = np.random.default_rng(0).normal(size=(20, 12, 1))
    np.savez(tmp_path / "n.npz", x_train=x, y_train=x[:, :2, 0])
    loss = "training.loss=MeanSquaredError"
    for name in ("mae", "r2", "loss"):
        check_configs([("search", resolved(small(tmp_path / "n.npz", loss, objective=f"val_{name}")))])
    for name in ("accuracy", "error"):
        wrong = small(tmp_path / "n.npz", loss, objective=f"val_{name}")
        with pytest.raises(Refusal, match=f"search.objective 'val_{name}' is not measured; .*val_"):
            check_configs([("search", resolved(wrong))])


def two_outputs(folder, *sets, **search):
    """Returns the config of a search on images whose model has a second output, their reconstruction."""
    draw = np.random.default_rng(0)
    y = np.arange(30) % 3
    x = draw.uniform(size=(30, 8, 8, 1)).astype("float32")
    np.savez(folder / "images.npz", x_train=x, y_train=y)
    space = {"training.optimizer.config.learning_rate": {"choice": [0.01, 0.02]}}
    return small(folder / "images.npz", *TWO_OUTPUTS, *sets, space=space, **search)


@pytest.mark.parametrize("name", ["reconstruction_loss", "reconstruction_mean_absolute_error", "f1_score"])
def test_objectives_of_the_outputs(tmp_path, name):
    config = two_outputs(tmp_path, objective=f"val_{name}", direction="min")
    check_configs([("here", resolved(config)), ("there", resolved(config))])
    wrong = two_outputs(tmp_path, objective=f"val_{name}s", direction="min")
    with pytest.raises(Refusal, match=f"'val_{name}s' is not measured; did you mean 'val_{name}'"):
        check_configs([("here", resolved(wrong))])


@pytest.mark.large
def test_a_trial_of_the_loss_of_an_output(tmp_path):
    """The objective is what the history has of the last epoch, and so are the metrics of each output."""
    result = run(two_outputs(tmp_path, objective="val_reconstruction_loss"), tmp_path / "trial")
    (row,) = list(csv.DictReader(io.StringIO((tmp_path / "trial" / "seed_0" / "history.csv").read_text())))[-1:]
    assert result["status"] == "completed", result["reason"]
    assert result["objective"] == pytest.approx(float(row["val_reconstruction_loss"]), rel=1e-5)
    names = {"accuracy", "f1_score", "reconstruction_mean_absolute_error", "reconstruction_root_mean_squared_error"}
    assert names <= row.keys()
    error = float(row["val_reconstruction_root_mean_squared_error"])
    assert error**2 == pytest.approx(result["objective"], rel=1e-4)


def test_metrics_of_an_output_that_is_none(tmp_path):
    config = two_outputs(tmp_path, "training.metrics={rebuilt: [Recall]}", objective="val_reconstruction_loss")
    with pytest.raises(
        Refusal, match=r"training.metrics expects names of outputs, predictions, reconstruction; .*rebuilt"
    ):
        check_configs([("here", resolved(config))])
    with pytest.raises(Refusal, match="training.metrics.rebuilt.0 expects a metric; received 'Rcall'"):
        check_configs([("here", resolved(two_outputs(tmp_path, "training.metrics={rebuilt: [Rcall]}")))])
    with pytest.raises(Refusal, match="training.metrics.a expects a list; received 'Recall'"):
        two_outputs(tmp_path, "training.metrics={a: Recall}")

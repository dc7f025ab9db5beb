"""One trial in a process of its own: its record, whatever becomes of the process."""

import json
import os
import signal

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.training import seed_run
from kzoo.training.config import resolved
from kzoo.tuning import trial as module
from kzoo.tuning.hyperparameters import trial_config
from kzoo.tuning.trial import check_in_child, check_parts, in_child, read_record, run_trial
from tests.tuning.small import small, write_arrays

TRIAL = {"trial": 3, "values": {"model.units": [4]}, "epochs": None}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    return write_arrays(tmp_path_factory.mktemp("data") / "s.npz")


def run(config, folder, *sets, past=None):
    return run_trial(trial_config(config, {}), TRIAL, folder, "it trial 3", config.search, past)


def test_a_trial_and_one_that_goes_on_with_it(arrays, tmp_path):
    """Two periods, then a third from there, are three at once; nothing of the test split is looked at."""
    config = small(arrays, "training.deterministic=true", algorithm="hyperband", seeds=[0, 5])
    short = small(arrays, "training.deterministic=true", "training.epochs=2", algorithm="hyperband", seeds=[0, 5])
    whole = run(config, tmp_path / "whole")
    assert whole == read_record(tmp_path / "whole") and whole["status"] == "completed"
    assert whole.items() >= TRIAL.items() and whole["parameters"] == 6 * 12 + 6 + 3 * 6 + 3
    metrics = [json.loads((tmp_path / "whole" / f"seed_{seed}" / "metrics.json").read_text()) for seed in (0, 5)]
    assert whole["objective"] == np.mean([found["validation"]["accuracy"] for found in metrics])
    assert all("test" not in found for found in metrics) and metrics[0] != metrics[1]
    run(short, tmp_path / "first")
    assert run(config, tmp_path / "second", past=tmp_path / "first")["objective"] == whole["objective"]
    histories = [(tmp_path / name / "seed_5" / "history.csv").read_text() for name in ("first", "second", "whole")]
    assert histories[1] == histories[2] and histories[1].startswith(histories[0]) and histories[0] != histories[1]


def test_divergence_is_a_failure_with_its_reason(arrays, tmp_path):
    record = run(small(arrays, "training.optimizer.config.learning_rate=3e38"), tmp_path)
    assert record == read_record(tmp_path)
    assert record["status"] == "failed" and record["objective"] is None
    assert record["reason"].startswith("training diverged to a loss of nan in period ")
    assert not list(tmp_path.rglob(seed_run.STATE))


def test_out_of_memory_is_a_failure(arrays, tmp_path):
    """As TensorFlow says it, where it is asked for more than a machine can address."""
    record = run(small(arrays, "model.units=[1_000_000_000_000_000]"), tmp_path)
    assert record["status"] == "failed" and record["reason"], record


def die(number):
    os.kill(os.getpid(), number)


def leave():
    os._exit(7)


def test_ends_of_a_process(arrays, tmp_path, monkeypatch):
    """Killed, as the system does where memory runs out: a failure. Told to stop: so is the search. Else: no record."""
    config, child = small(arrays), in_child
    monkeypatch.setattr(module, "in_child", lambda *args, **_: child(die, signal.SIGKILL))
    record = run(config, tmp_path)
    assert record["reason"] == "its process was ended by SIGKILL, as when memory runs out"
    assert record == read_record(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        monkeypatch.setattr(module, "in_child", lambda *args, number=number, **_: child(die, number))
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "stopped")
    monkeypatch.setattr(module, "in_child", lambda *args, **_: child(leave))
    with pytest.raises(Refusal, match="^it trial 3 ended with exit code 7, for what it printed"):
        run(config, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "result.json").exists()


def test_a_damaged_state_stops_the_search(arrays, tmp_path):
    (tmp_path / "seed_0").mkdir()
    (tmp_path / "seed_0" / seed_run.STATE).write_bytes(b"damaged")
    with pytest.raises(Refusal, match="^it trial 3 ended with exit code 1"):
        run(small(arrays), tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_settings_that_do_not_fit_are_a_failure(tmp_path):
    record = run_trial(Refusal("too many"), TRIAL, tmp_path, "it", None)
    assert record["reason"] == "too many" and record == read_record(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trial": 1}', "\0"])
def test_damaged_records(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(Refusal, match="result.json is damaged .*; delete it, and the same command runs"):
        read_record(tmp_path)


def test_check_parts(tmp_path):
    good = resolved(small("x.npz"))
    bad = resolved(small("x.npz", "training.optimizer.config.momentun=0.5"))
    other = resolved(small("x.npz", objective="val_accuray", direction="max"))
    check_parts([("here", good)])
    with pytest.raises(Refusal, match="^there: training.optimizer: SGD has no setting 'momentun'"):
        check_in_child([("here", good), ("there", bad)], tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Refusal, match="'val_accuray' is not measured; did you mean 'val_accuracy'"):
        check_parts([("here", other)])

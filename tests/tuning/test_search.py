"""Killed and resumed searches end with the same trials as an uninterrupted one."""

import fcntl
import json
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config import check_config
from kzoo.processes import forkserver
from kzoo.training import checkpoint
from kzoo.training import run as runs
from kzoo.tuning import search as module
from kzoo.tuning import trial, worker
from kzoo.tuning.oracle import ORACLES
from kzoo.tuning.search import run_trials, search
from tests.tuning.small import small, write_arrays

GRID = {"model.units": {"choice": [[4], [6]]}, "data.batch_size": {"int": [4, 12], "step": 4}}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    return write_arrays(tmp_path_factory.mktemp("data") / "s.npz")


def kill_after(path_part, last_epoch):
    """Kills this process, a search, after an epoch of the training whose checkpoint's path contains `path_part`."""
    search_process, real = os.getpid(), checkpoint.Checkpoint.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        real(self, epoch, logs)
        if path_part in str(self.path) and epoch + 1 == last_epoch:
            os.kill(search_process, signal.SIGKILL)
            time.sleep(60)  # the trial's process dies with its search, long before

    checkpoint.Checkpoint.on_epoch_end = on_epoch_end


def attempt(arrays, out, moment, workers):
    if workers == 1:
        trial.forkserver = lambda preload: multiprocessing.get_context("fork")  # this process has TensorFlow already
    if moment:
        kill_after(*moment)
    search(small(arrays, "training.deterministic=true", trials=3), "it", out, workers=workers)


@pytest.fixture(scope="module")
def start(arrays):
    """A function that runs a search in its own process, perhaps kills it, and returns its exit code."""
    context = forkserver(["kzoo.tuning.search", "matplotlib.figure"])

    def begin(out, moment=None, timeout=None, workers=1):
        process = context.Process(target=attempt, args=(arrays, out, moment, workers))
        process.start()
        process.join(timeout)
        process.kill()
        process.join()
        with open(out / ".it.lock", "a") as lock:  # a forked trial holds it too until it exits
            fcntl.flock(lock, fcntl.LOCK_EX)
        return process.exitcode

    return begin


def trials_of(folder):
    """Returns the results of a search's trials without their durations."""
    results = [json.loads(file.read_text()) for file in sorted(folder.glob("trials/*/result.json"))]
    return [{key: value for key, value in result.items() if key != "seconds"} for result in results]


@pytest.fixture(scope="module")
def uninterrupted(start, tmp_path_factory):
    """The folder of an uninterrupted search, and the seconds it took."""
    out, start_time = tmp_path_factory.mktemp("uninterrupted"), time.perf_counter()
    assert start(out) == 0
    return out / "it", time.perf_counter() - start_time


def test_a_whole_search(uninterrupted):
    folder, _ = uninterrupted
    assert {
        "trials.csv",
        "trials.png",
        "settings.png",
        "search.yaml",
        "config.yaml",
        "metrics.json",
        "model.keras",
    } <= {path.name for path in folder.iterdir()}
    found, metrics = trials_of(folder), json.loads((folder / "metrics.json").read_text())
    assert [result["trial"] for result in found] == [0, 1, 2] and found[0]["values"]["model.units"] == [6]
    best = max(found, key=lambda result: result["objective"])
    assert metrics["parameters"] == best["parameters"] and "test" in metrics and "validation" not in metrics
    assert "search: null" in (folder / "config.yaml").read_text()
    assert [path.parent for path in folder.rglob("state.npz")] == [folder]  # of the run, none of a trial


@pytest.mark.large
def test_kills_change_nothing(start, uninterrupted, tmp_path):
    """Killed in a trial, and in the final training."""
    for moment in (("0001/", 2), (".it.partial/state", 2)):
        began = time.perf_counter()
        assert start(tmp_path, moment) == -signal.SIGKILL
        assert time.perf_counter() - began < 60, "the trial's process did not die with its search"
        assert (tmp_path / ".it.partial").is_dir() and not (tmp_path / "it").exists()
    assert start(tmp_path) == 0
    assert trials_of(tmp_path / "it") == trials_of(uninterrupted[0])
    for file in ("history.csv", *(f"trials/000{number}/seed_0/history.csv" for number in range(3))):
        assert (tmp_path / "it" / file).read_text() == (uninterrupted[0] / file).read_text()


RECIPE = {  # a search over recipes: label smoothing, warm-up, moving averages, rates, initial values, norms, stages
    "model": {"name": "resnet20_cifar", "blocks": 1, "width": 0.125},
    "data": {"batch_size": 8, "preprocess": [{"class_name": "CenterCrop", "config": {"height": 6, "width": 6}}]},
    "training": {
        "epochs": 2,
        "steps_per_epoch": 2,
        "keep": "best",
        "jit_compile": False,
        "batch_norm_momentum": 0.5,
        "initializers": {"predictions/kernel": {"class_name": "Constant", "config": {"value": 0.25}}},
        "rates": {"predictions/kernel": 0.0, "predictions/bias": 1.0},
        "loss": {"class_name": "CategoricalCrossentropy", "config": {"label_smoothing": 0.1}},
        "optimizer": {
            "class_name": "SGD",
            "config": {
                "learning_rate": {"class_name": "kzoo>Warmup", "config": {"learning_rate": 0.5, "warmup_steps": 2}},
                "use_ema": True,
                "ema_momentum": 0.5,
            },
        },
        "stages": [{"epochs": 1, "train": ["predictions"]}, {}],
    },
    "evaluation": {"crops": 5},
    "export": {"formats": []},
}
START, RATE = "predictions/kernel.config.value", "predictions/bias"  # settings of the initializers, and of the rates


@pytest.mark.large
def test_recipes_are_searched(tmp_path, seeds, monkeypatch):
    """Each trial varies all of them, here in this process; the views are evaluated at the end.

    Ranges are continuous where a choice could repeat the config's own value. The kernel's rate is 0, so that a trained
    model shows where it started.
    """
    monkeypatch.setattr(trial, "call_in_process", lambda function, *args, heartbeat=None: function(*args) or 0)
    x, y = seeds.normal(size=(40, 8, 8, 3)), np.arange(40) % 3
    np.savez(tmp_path / "x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    data = {**RECIPE["data"], "arrays": str(tmp_path / "x.npz"), "validation": 8}
    space = {
        f"training.initializers.{START}": {"float": [0.1, 0.4]},
        f"training.rates.{RATE}": {"log": [0.1, 10.0]},
        "training.batch_norm_momentum": {"float": [0.5, 0.9]},
        "training.loss.config.label_smoothing": {"float": [0.0, 0.2]},
        "training.optimizer.config.learning_rate.config.warmup_steps": {"int": [1, 3]},
        "training.optimizer.config.ema_momentum": {"float": [0.5, 0.9]},
        "training.stages.0.epochs": {"int": [1, 2]},
    }
    trained, train_seed = [], trial.train_seed

    def recorded(config, *args):
        found = train_seed(config, *args)
        trained.append((config.training, [weight.numpy() for weight in found[0].get_layer("predictions").weights]))
        return found

    monkeypatch.setattr(trial, "train_seed", recorded)
    config = check_config({**RECIPE, "data": data, "search": {"trials": 3, "space": space}})
    folder, metrics = search(config, "it", tmp_path / "out")
    found = trials_of(folder)
    assert [result["status"] for result in found] == ["completed"] * 3
    assert found[0]["values"]["training.stages.0.epochs"] == 1
    assert all(set(result["values"]) == set(space) for result in found)
    for path, entry in space.items():
        if "int" not in entry:
            assert len({result["values"][path] for result in found}) == 3, path
    for result, (training, (kernel, bias)) in zip(found, trained, strict=True):
        start, rate = (result["values"][f"training.{path}"] for path in (f"initializers.{START}", f"rates.{RATE}"))
        assert training.rates == {"predictions/kernel": 0.0, RATE: rate}
        np.testing.assert_allclose(kernel, start, rtol=1e-6)
        assert np.abs(bias).max() > 0
    assert 0 <= metrics["test"]["views_error"] <= 1


@pytest.mark.large
@pytest.mark.parametrize("workers", [1, 2])
def test_kills_at_random_moments(start, uninterrupted, tmp_path, workers):
    draw, killed, longest = random.Random(0), 0, uninterrupted[1] + 20 * (workers - 1)  # each worker imports TensorFlow
    while killed < 3:
        code = start(tmp_path, timeout=draw.uniform(0.2, 0.9) * longest, workers=workers)
        if code == 0:  # finished before three kills: start a new one
            assert trials_of(tmp_path / "it") == trials_of(uninterrupted[0])
            os.rename(tmp_path / "it", tmp_path / f"done_{len(os.listdir(tmp_path))}")
        else:
            assert code == -signal.SIGKILL
            killed += 1
    assert start(tmp_path, workers=workers) == 0
    assert trials_of(tmp_path / "it") == trials_of(uninterrupted[0])


class Stop(BaseException):
    """Simulates a kill within one process."""


@pytest.fixture
def simulated(monkeypatch):
    """Trials with results but without training; the list holds the number of trials until a stop."""
    left = [10**6]

    def run_trial(config, trial, folder, label, search, parent, heartbeat):
        if left[0] == 0:
            raise Stop
        left[0] -= 1
        assert parent is None or (parent / "result.json").exists()
        number = sum(map(ord, repr(trial["values"]))) * 7919 % 101
        ended = {"status": "failed", "objective": None, "reason": "chance"}
        if number > 15:
            ended = {"status": "completed", "objective": number / 101 + (trial["epochs"] or 0), "reason": None}
        folder.mkdir(parents=True, exist_ok=True)
        result = {**trial, **ended, "parameters": 1, "seconds": 360.0}
        (folder / "result.json").write_text(json.dumps(result))
        return result

    monkeypatch.setattr(worker, "run_trial", run_trial)
    return left


@pytest.mark.parametrize("algorithm", ORACLES)
def test_stopped_after_each_trial(simulated, tmp_path, algorithm):
    space = {"space": GRID} if algorithm == "grid" else {}
    slow = algorithm == "bayesian"  # a second per proposal
    config = small("x.npz", algorithm=algorithm, trials=5 if slow else 8, max_epochs=9, **space)
    whole = run_trials(config, tmp_path / "whole", "it")
    assert len(whole) == {"grid": 6, "bayesian": 5}.get(algorithm, 8) and [r["trial"] for r in whole] == list(
        range(len(whole))
    )
    assert whole[0]["epochs"] == 9 and len({repr(r["values"]) + str(r["epochs"]) for r in whole}) == len(whole)
    step = len(whole) - 1 if slow else 1
    for _ in range(step, len(whole), step):
        simulated[0] = step
        with pytest.raises(Stop):
            run_trials(config, tmp_path / "often", "it")
    simulated[0] = 1
    assert run_trials(config, tmp_path / "often", "it") == whole and simulated[0] == 0
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == len(whole) + 1


def test_results_of_another_search_are_refused(simulated, tmp_path):
    run_trials(small("x.npz"), tmp_path / "a", "it")
    with pytest.raises(Refusal, match="0001 is a trial of .*, not of "):
        run_trials(small("x.npz", seeds=[1]), tmp_path / "a", "it")


def test_hours(simulated, tmp_path):
    """Trials of six minutes: three start within a quarter of an hour, however often the search is resumed."""
    config = small("x.npz", trials=9, hours=0.25)
    assert len(run_trials(config, tmp_path / "a", "it")) == len(run_trials(config, tmp_path / "a", "it")) == 3


def test_a_space_that_is_small(simulated, tmp_path):
    config = small("x.npz", trials=9, space={"model.units": {"choice": [[6], [4]]}})
    assert len(run_trials(config, tmp_path / "a", "it")) == 2


def test_refusals(arrays, simulated, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_configs_in_process", lambda *args: None)

    def refusal(config, out=tmp_path):
        with pytest.raises(Refusal) as caught:
            search(config, "it", out)
        return str(caught.value)

    assert "has no search" in refusal(small(arrays, "search=null"))
    got = refusal(small(arrays, space={"model.unitz": {"int": [1, 2]}}))
    assert got.startswith("search.space.model.unitz: model 'mnist1d_fc' has no setting 'unitz'; did you mean 'units'")
    got = refusal(small(arrays, space={"data.batch_size": {"int": [-1, 2]}}))
    assert got.startswith("search.space.data.batch_size: data.batch_size expects an integer above 0; received -1")
    assert list(tmp_path.iterdir()) == []
    simulated[0] = 2
    with pytest.raises(Stop):
        search(small(arrays), "it", tmp_path)
    got = refusal(small(arrays, trials=5, validation=0.3))
    assert "had another config: search.trials: 4 -> 5; search.validation: 0.2 -> 0.3. Use that config" in got
    got = refusal(small(arrays, space={"model.units": {"choice": [[4], [7]]}}))
    assert "search.space.model.units.choice" in got
    with pytest.raises(Refusal, match="is another command's"):
        runs.run(small(arrays), "it", tmp_path)
    (tmp_path / ".it.partial" / "trials" / "0001" / "result.json").write_text("{")
    assert "0001/result.json is damaged" in refusal(small(arrays))
    assert (tmp_path / ".it.partial" / "trials" / "0000" / "result.json").exists()


def test_all_trials_failed(arrays, tmp_path, monkeypatch):
    def run_trial(config, trial, folder, *_):
        result = {
            **trial,
            "status": "failed",
            "objective": None,
            "reason": "no memory",
            "parameters": None,
            "seconds": 1,
        }
        (folder / "result.json").write_text(json.dumps(result))
        return result

    monkeypatch.setattr(worker, "run_trial", run_trial)
    monkeypatch.setattr(module, "check_configs_in_process", lambda *args: None)
    for _ in range(2):
        with pytest.raises(Refusal, match="^all 4 trials failed: no memory. Start again with --overwrite.$"):
            search(small(arrays), "it", tmp_path)
    assert os.listdir(tmp_path) == [".it.partial"]

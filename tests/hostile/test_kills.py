"""Fifty SIGKILLs at random moments of train, tune and export: they end with the same results as undisturbed ones.

Next to each command's own tests, which choose the worst moments.
"""

import fcntl
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
import zipfile
from pathlib import Path

import h5py
import pytest

from kzoo.config.config import resolved
from kzoo.config.yaml_file import write_yaml
from kzoo.processes import forkserver
from tests.tuning.small import small, write_arrays

PRELOAD = ("kzoo.cli", "kzoo.tuning.search", "kzoo.export.export_folder", "matplotlib.figure", "sklearn.metrics")
COMMANDS = {  # command: (kills, arguments)
    "train": (20, ("train", "c.yaml", "--run", "it", "--out", ".")),
    "tune": (12, ("tune", "c.yaml", "--run", "it", "--out", ".")),
    "export": (18, ("export", "trained", "--format", "saved_model,onnx,litert", "--out", "it", "--overwrite")),
}
# of JSON files; TensorFlow also writes varying SavedModels
VARYING = ("seconds", "steps_per_second", "last_epoch", "bytes", "sha256")
EQUAL = (".csv", ".onnx", ".tflite", ".npy", ".txt", ".yaml")  # files that hold no times


def run(folder, args):
    """Runs a command in this process, whose trials are forked from it, as it has imported TensorFlow already."""
    from kzoo.cli import main
    from kzoo.tuning import trial

    os.chdir(folder)
    trial.forkserver = lambda preload: multiprocessing.get_context("fork")
    main(args)


def attempt(folder, args, seconds=None):
    """Runs a command in its own process, which is killed after so many seconds; returns its exit code."""
    process = forkserver(PRELOAD).Process(target=run, args=(folder, args))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    with open(folder / ".it.lock", "a") as lock:  # a trial holds it until it too has ended
        fcntl.flock(lock, fcntl.LOCK_EX)
    return process.exitcode


def contents(folder):
    """Returns {path: what must be equal to the last bit} of a folder's files; None for those that vary."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "trials.csv"):
        name = str(path.relative_to(folder))
        if path.suffix == ".json":
            found[name] = steady(json.loads(path.read_text()))
        elif path.suffix == ".keras":
            found[name] = weights(path)
        elif path.name.endswith(EQUAL):
            found[name] = path.read_bytes()
        elif "events.out" not in name:
            found[name] = None
    return found


def steady(value):
    if isinstance(value, dict):
        return {key: steady(inner) for key, inner in value.items() if key not in VARYING}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def weights(path):
    arrays = {}
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file, h5py.File(file) as store:
        store.visititems(lambda name, item: arrays.update({name: item[()].tolist()} if hasattr(item, "dtype") else {}))
    return arrays


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with data, a config with a search, and a trained run."""
    folder = tmp_path_factory.mktemp("kills")
    config = small(write_arrays(folder / "s.npz"), "training.deterministic=true", trials=3)
    write_yaml(resolved(config), folder / "c.yaml")
    assert attempt(folder, ("train", "c.yaml", "--run", "trained", "--out", ".")) == 0
    return folder


@pytest.mark.large
@pytest.mark.parametrize("command", COMMANDS)
def test_kills_at_random_moments(folder, command):
    kills, args = COMMANDS[command]
    draw, killed, started, it = random.Random(0), 0, time.monotonic(), Path(folder, "it")
    assert attempt(folder, args) == 0
    longest, wanted = 1.2 * (time.monotonic() - started), contents(it)
    while killed < kills:
        if command != "export":  # which replaces the folder
            shutil.rmtree(it, ignore_errors=True)
        code = attempt(folder, args, draw.uniform(0, longest))
        killed += code == -signal.SIGKILL
        assert code in (0, -signal.SIGKILL)
        assert contents(it) == wanted or (code and command != "export" and not it.exists())
    if not it.exists():
        assert attempt(folder, args) == 0
    assert contents(it) == wanted
    shutil.rmtree(it)

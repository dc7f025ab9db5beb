"""docs/own_code.md: its package trains, resumes, is searched, evaluated, exported, looked at, from its own folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kzoo import cli, user_modules
from kzoo.training import checkpoint

ROOT = Path(cli.__file__).parents[2]
PAGE = (ROOT / "docs" / "own_code.md").read_text()
IMPORT = ("--import", "stripes")


def write_package(folder):
    """Writes the files that the page shows, each after its name in backticks."""
    for name, text in re.findall(r"`(stripes[\w/]*\.\w+)`\n\n```\w+\n(.*?)```", PAGE, flags=re.S):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    rng = np.random.default_rng(0)
    np.save(folder / "images.npy", rng.normal(size=(2, 12, 12, 1)).astype("float32"))


@pytest.fixture
def kzoo(own_modules, capsys, monkeypatch):
    """A function that runs `kzoo ARGS` next to the package, as a new process would, and returns (code, out, err)."""
    write_package(own_modules)
    monkeypatch.setenv("KZOO_CACHE_DIR", str(own_modules / "cache"))

    def run(*args):
        user_modules._requested.clear()
        with pytest.raises(SystemExit) as caught:
            cli.main(list(args))
        printed = capsys.readouterr()
        return caught.value.code, printed.out, printed.err

    return run


def test_the_page(kzoo, monkeypatch):
    code, _, err = kzoo("train", "stripes.yaml", "--dry-run")
    assert code == 2 and err.startswith("kzoo: no model 'energy_net'; ") and err.count("\n") == 1
    short = ("train", "stripes.yaml", *IMPORT, "--set=training.epochs=2", "--set=export.formats=[]")
    saved = checkpoint.Checkpoint.on_epoch_end

    def killed(self, epoch, logs=None):
        saved(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "on_epoch_end", killed)
        assert kzoo(*short)[0] == 130
    partial = Path("saved_models/.stripes.partial")
    assert json.loads((partial / "imports.json").read_text())["modules"].keys() == {"stripes"}
    assert (partial / "losses.txt").read_text().count("\n") == 1
    code, _, err = kzoo("train", "stripes.yaml", *IMPORT, "--import", "./stripes/layers.py", *short[4:])
    assert code == 2 and "was started with --import stripes, not with" in err and err.count("\n") == 1
    code, out, err = kzoo(*short)
    assert code == 0 and "resuming after epoch 1 of 2" in err, err
    losses = Path("saved_models/stripes/losses.txt").read_text().split()
    assert len(losses) == 2 and "stripes" in Path("saved_models/stripes/config.yaml").read_text()
    code, out, _ = kzoo("evaluate", "stripes", *IMPORT)
    assert code == 0 and "test" in out and "100" in out
    code, out, _ = kzoo("predict", "stripes", "images.npy", *IMPORT)
    assert code == 0 and "images.npy 1" in out
    code, out, _ = kzoo("list", "energy*", *IMPORT)
    assert code == 0 and "energy_net_wide" in out and "228" in out
    code, out, _ = kzoo("show", "energy_net", *IMPORT)
    assert code == 0 and "Adds up the energy" in out and "Energy" in out


def test_what_is_missing_is_named(kzoo):
    """In a new process, which has not imported the package."""
    run = Path("saved_models/stripes")
    run.mkdir(parents=True)
    files = {"import": "stripes", "files": {}}
    (run / "imports.json").write_text(json.dumps({"modules": {"stripes": files}, "plugins": {}}))
    (run / "model.keras").write_bytes(b"")
    code, _, err = kzoo("predict", "stripes", "images.npy")
    assert code == 2 and err.endswith("This run needs --import stripes.\n") and err.count("\n") == 1


def start(folder, *args):
    """Starts `kzoo ARGS` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KZOO_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-P", "-m", "kzoo", *args]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    out = process.communicate(timeout=600)[0]
    assert process.returncode == 0, out
    return out


def kill_after(process, path, timeout=300):
    """Kills a process group of one once a file exists."""
    deadline = time.monotonic() + timeout
    while not any(path.parent.glob(path.name)) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.large
def test_the_page_in_processes(tmp_path):
    """Killed and resumed with the result of an uninterrupted run; a search of two workers; all commands of the page."""
    write_package(tmp_path)
    train = ("train", "stripes.yaml", *IMPORT, "--set=training.deterministic=true", "--set=training.epochs=30")
    finish(start(tmp_path, *train, "--run", "whole"))
    kill_after(start(tmp_path, *train), tmp_path / "saved_models/.stripes.partial/state.npz")
    partial = tmp_path / "saved_models/.stripes.partial"
    assert not (partial / "metrics.json").exists()
    failed = start(tmp_path, *train[:2], *train[4:])
    assert "This run needs --import stripes." in failed.communicate()[0] and failed.returncode == 2
    code = tmp_path / "stripes/layers.py"
    text = code.read_text()
    code.write_text(text + "# changed\n")
    failed = start(tmp_path, *train)
    assert "stripes/layers.py changed since the run" in failed.communicate()[0] and failed.returncode == 2
    code.write_text(text)
    assert "resuming after epoch" in finish(start(tmp_path, *train))
    runs = [json.loads((tmp_path / f"saved_models/{name}/metrics.json").read_text()) for name in ("whole", "stripes")]
    assert runs[0]["test"] == runs[1]["test"]
    losses = [(tmp_path / f"saved_models/{name}/losses.txt").read_text() for name in ("whole", "stripes")]
    assert losses[0] == losses[1] and losses[0].count("\n") == 30
    tune = ("tune", "stripes.yaml", *IMPORT, "--workers", "2")
    kill_after(start(tmp_path, *tune), tmp_path / "saved_models/.stripes_search.partial/trials/0001/result.json")
    finish(start(tmp_path, *tune))
    assert (tmp_path / "saved_models/stripes_search/trials.csv").read_text().count("completed") == 4
    for args in (
        ("evaluate", "stripes", *IMPORT),
        ("vote", "stripes", "whole", *IMPORT),
        ("export", "stripes", *IMPORT, "--format", "saved_model,onnx,litert"),
        ("predict", "exports/stripes/model.onnx", "images.npy"),
        ("look", "stripes", *IMPORT),
        ("look", "energy_net", *IMPORT, "--data", "images.npy"),
        ("explore", "stripes", *IMPORT, "--out", "site"),
        ("show", "energy_net_wide", "--import", "./stripes"),
        ("list", "energy*", "--import", "stripes/layers.py", "--import", "stripes"),
        ("doctor", *IMPORT),
    ):
        finish(start(tmp_path, *args))
    assert "falling" in finish(start(tmp_path, "predict", "stripes", "images.npy", *IMPORT))
    failed = start(tmp_path, "evaluate", "stripes")
    assert "This run needs --import stripes." in failed.communicate()[0] and failed.returncode == 2

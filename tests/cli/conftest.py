"""What the tests of the command line share: fixtures that run `kzoo ARGS`."""

from pathlib import Path

import numpy as np
import pytest

from kzoo import cli

ROOT = Path(__file__).parents[2]
SMALL = ["--set=training.epochs=1", "--set=training.steps_per_epoch=2", "--set=training.steps_per_call=1"]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """A function that runs `kzoo ARGS` in an empty folder and returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path.with_name(f"{tmp_path.name}_cache")))
    monkeypatch.setenv("KZOO_DEBUG", "0")
    monkeypatch.setenv("KZOO_ALLOW_OUTSIDE", "0")

    def run(*args):
        with pytest.raises(SystemExit) as caught:
            cli.main(list(args))
        printed = capsys.readouterr()
        return caught.value.code, printed.out, printed.err

    return run


@pytest.fixture
def misuse(call):
    """A function that runs `kzoo ARGS`, which must be refused in one line, and returns that line."""

    def run(*args):
        code, out, err = call(*args)
        assert (code, out) == (2, ""), (code, out)
        assert err.startswith("kzoo: ") and err.count("\n") == 1 and err.endswith("\n"), err
        return err.removeprefix("kzoo: ").rstrip("\n")

    return run


@pytest.fixture
def arrays(tmp_path):
    """The --set that makes a run use a small file of signals."""
    y = np.arange(30) % 3
    np.savez(tmp_path / "s.npz", x_train=np.random.default_rng(0).normal(size=(30, 12, 1)), y_train=y)
    return "--set=data={arrays: s.npz, batch_size: 10}"


@pytest.fixture
def fault(monkeypatch):
    """Makes training raise an exception that the user did not cause."""

    def divide(*_):
        error = ZeroDivisionError("division\nby zero")
        error.add_note("mnist1d_fc seed 0, epoch 3 of 10")
        raise error

    monkeypatch.setattr("kzoo.training.run.run", divide)

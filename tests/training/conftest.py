"""A small dataset and a small finished run."""

import json
import shutil

import numpy as np
import pytest

from kzoo.config.config_files import read_config
from kzoo.training import checkpoint
from kzoo.training.run import run


@pytest.fixture(scope="session")
def arrays(tmp_path_factory):
    """An .npz file of 45 signals of three classes, without a test split."""
    path, draw = tmp_path_factory.mktemp("data") / "signals.npz", np.random.default_rng(0)
    y = np.arange(45) % 3
    np.savez(path, x_train=draw.normal(size=(45, 12, 1)) + y[:, None, None], y_train=y)
    return path


def signals_config(arrays, *sets):
    """Returns a config of two short epochs on the signals, changed by `sets`."""
    data = f"data={{arrays: '{arrays}', batch_size: 10}}"
    short = ["training.epochs=2", "training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]"]
    return read_config("mnist1d_fc", [data, *short, *sets])


def kill_after_an_epoch(monkeypatch, train):
    """Calls `train`, and interrupts it once its first epoch is saved."""
    saved = checkpoint.Checkpoint.on_epoch_end

    def killed(self, epoch, logs=None):
        saved(self, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint.Checkpoint, "on_epoch_end", killed)
        train()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder and metrics of a run: signals of three classes, 36 for training, 9 held out, 15 for testing."""
    out, y = tmp_path_factory.mktemp("runs"), np.arange(60) % 3
    x = np.random.default_rng(0).normal(size=(60, 12, 1)).astype("float32")
    np.savez(out / "signals.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    sets = [f"data={{arrays: '{out}/signals.npz', batch_size: 10, validation: 0.2}}", "training.epochs=1"]
    sets += ["training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]", "export.formats=[]"]
    return run(read_config("mnist1d_fc", sets), "it", out)


@pytest.fixture
def changed(finished, tmp_path):
    """A copy of the finished run that records other data."""
    folder = shutil.copytree(finished[0], tmp_path / "it")
    recorded = json.loads((folder / "data.json").read_text())
    assert recorded.items() >= {"input_shape": [12, 1], "classes": 3, "train": 36, "validation": 9, "test": 15}.items()
    (folder / "data.json").write_text(json.dumps({**recorded, "train": 35}))
    return folder

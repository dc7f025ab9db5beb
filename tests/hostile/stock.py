"""The undamaged files that cases copy: data, a finished run, an interrupted one, and a prepared dataset."""

import os
import shutil
from pathlib import Path

import numpy as np

from tests.hostile import ROOT

EXPORTS = ROOT / "saved_models" / "zoo"
WEIGHTS = ROOT / "kzoo" / "models" / "pretrained" / "mnist1d_cnn.weights.h5"
FAST = (  # a training of half a second
    "model={name: mnist1d_fc, units: [4]}",
    "training.epochs=2",
    "training.steps_per_epoch=2",
    "training.steps_per_call=1",
    "training.jit_compile=false",
    "export.formats=[]",
)
SETS = tuple(f"--set={item}" for item in (*FAST, "data={arrays: signals.npz, batch_size: 10}"))


def silence():
    """Discards what this process and the code below Python print."""
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)


class Killed(BaseException):
    """Simulates a kill."""


def make_stock(folder):
    """Fills the folder, in a process that may import TensorFlow."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    os.chdir(folder)
    silence()
    np.savez("signals.npz", **signals())
    os.environ["KZOO_DATA_DIR"] = str(folder / "datasets")
    from kzoo.config.config_files import read_config
    from kzoo.data.loader import load
    from kzoo.training import checkpoint
    from kzoo.training.run import run

    load("digits")
    config = read_config("mnist1d_fc", [item.removeprefix("--set=") for item in SETS])
    run(config, "it", folder / "finished")
    real = checkpoint.Checkpoint.on_epoch_end

    def killed(self, epoch, logs=None):
        real(self, epoch, logs)
        raise Killed

    checkpoint.Checkpoint.on_epoch_end = killed
    try:
        run(config, "it", folder / "interrupted")
    except Killed:
        checkpoint.Checkpoint.on_epoch_end = real


def signals():
    """Returns arrays of 45 and 15 signals of 12 steps in three classes."""
    draw, y = np.random.default_rng(0), np.arange(60) % 3
    x = (draw.normal(size=(60, 12, 1)) + y[:, None, None]).astype("float32")
    return {"x_train": x[:45], "y_train": y[:45], "x_test": x[45:], "y_test": y[45:]}


def take(stock, name, to=None):
    """Copies a file or folder of the stock into the current folder; returns its path."""
    source, target = Path(stock, name), Path(to or Path(name).name)
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return target

"""Files of callbacks: a resumed run leaves those of an undisturbed run, and no file of others is overwritten."""

import json
import os
import signal
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorflow.python.framework.config import disable_op_determinism  # TensorFlow has no public way back

from kzoo.checks import Refusal
from kzoo.processes import forkserver
from kzoo.training import checkpoint, run
from kzoo.training.callback_files import CallbackFiles, copy_files
from kzoo.training.callback_paths import ALLOW_OUTSIDE
from tests.training.conftest import signals_config

CALLBACKS = [
    {"class_name": "CSVLogger", "config": {"filename": "logs/log.csv", "separator": ";"}},
    {"class_name": "ReduceLROnPlateau", "config": {"monitor": "loss", "patience": 1, "min_delta": 1.0}},
    {"class_name": "ModelCheckpoint", "config": {"filepath": "models/{epoch:02d}-{loss:.3f}.keras"}},
    {
        "class_name": "ModelCheckpoint",
        "config": {"filepath": "best.weights.h5", "save_best_only": True, "save_weights_only": True, "monitor": "loss"},
    },
    {
        "class_name": "ModelCheckpoint",
        "config": {"filepath": "{batch}.weights.h5", "save_freq": 3, "save_weights_only": True},
    },
    {"class_name": "TensorBoard", "config": {"update_freq": 1, "histogram_freq": 1, "embeddings_freq": 2}},
]


class Killed(BaseException):
    """Simulates the end of a process within the process."""


@pytest.fixture(autouse=True, scope="module")
def determinism_ends_here():
    yield
    disable_op_determinism()


def config(arrays, *sets, callbacks=CALLBACKS):
    settings = [f"training.callbacks={json.dumps(callbacks)}", "training.epochs=4", "training.deterministic=true"]
    return signals_config(arrays, "data.validation=9", "export.formats=[]", *settings, *sets)


def contents(folder):
    """Returns what the callbacks' files hold: text, weights, and the events of all files of a folder together."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".csv":
            found[name] = path.read_text()
        elif path.suffix == ".keras":
            found[name] = sorted(keras.saving.load_model(path).get_weights(), key=np.size)
        elif path.suffix == ".h5":
            found[name] = weights(path)
        elif "tfevents" in name:
            found.setdefault(path.parent.relative_to(folder).as_posix(), []).extend(events(path))
    return {name: sorted(part) if "log" in name and type(part) is list else part for name, part in found.items()}


def weights(path):
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()].tolist()} if hasattr(item, "shape") else {}))
    return arrays


def events(path):
    """Returns (step, tag, value) of each event, without the times."""
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            yield event.step, value.tag, value.tensor.SerializeToString()


def strike(epoch, before):
    """Patches the checkpoint to end the process after the given epoch: `before` or after the state is written."""
    real = checkpoint.Checkpoint.on_epoch_end

    def on_epoch_end(self, at, logs=None):
        if at == epoch and before:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, at, logs)
        if at == epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.Checkpoint.on_epoch_end = on_epoch_end


def child(arrays, out, epoch, before):
    strike(epoch, before)
    run.run(config(arrays), "it", out)

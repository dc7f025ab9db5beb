"""Checkpoints: everything that a training needs to resume exactly after an epoch, in one file, written atomically.

Keras's BackupAndRestore writes twice, and saves neither the state of random layers nor that of callbacks.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kzoo.checks import Refusal, one_line
from kzoo.files import write_atomically
from kzoo.training.callback_files import CallbackFiles
from kzoo.training.npz_state import from_npz, is_plain, to_npz
from kzoo.types import PathLike

STATE = "state.npz"  # the checkpoint of a training, in its folder
TYPES = {
    "epoch": int,
    "history": list,
    "seconds": float,
    "stopped": bool,
    "variables": list,
    "callbacks": list,
    "files": dict,
    "random": tuple,
    "numpy": tuple,
}
OF_ONE_FIT = {  # attributes of Keras's callbacks that another process sets anew: paths, open files
    *("params", "filename", "filepath", "append", "append_header"),
    *("log_dir", "_log_write_dir", "_train_dir", "_val_dir", "_writers", "_prev_summary_state"),
}
REMEDY = "delete it to train from the start, or discard the run with --overwrite"


class Checkpoint(keras.callbacks.Callback):
    """Callback: saves the training's state after each epoch, and restores it when training starts.

    Arguments: weights_model, the model whose weights and random states are saved (the compiled model adds its
    optimizer's); path, the file; callbacks, those whose attributes are saved. The checkpoint must come after them in
    `fit`: they reset their attributes when training starts, then the checkpoint restores these. files, those of
    callbacks: what they hold at an epoch's end is recorded with the state. first, the epoch after which a stage of the
    training starts: a state of that epoch has another optimizer, which is left out.
    Attributes: epoch, the completed epochs; history, the results of each; seconds of training so far; stopped, whether
    a callback ended the training; rate, steps per second of the last epoch in this process, which `fit` sets, or None.
    Raises Refusal if the file is damaged or belongs to another model or optimizer.
    """

    def __init__(
        self,
        weights_model: keras.Model | None,
        path: PathLike,
        callbacks: Sequence[Any] = (),
        files: CallbackFiles | None = None,
        first: int = 0,
    ):
        super().__init__()
        self.weights_model, self.path, self.callbacks = weights_model, Path(path), list(callbacks)
        self.files, self.first = files, first
        self.rate: float | None = None
        self.state = self._read() if self.path.exists() else None
        state = self.state or {"epoch": 0, "history": [], "seconds": 0.0, "stopped": False}
        self.epoch, self.history, self.stopped = state["epoch"], state["history"], state["stopped"]
        self._earlier_seconds, self._started = state["seconds"], None

    @property
    def seconds(self) -> float:
        """Wall time of the training, in all processes that worked on it."""
        return self._earlier_seconds + (0.0 if self._started is None else time.perf_counter() - self._started)

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()
        # otherwise Keras creates the optimizer's variables while it traces the first step, which takes seconds longer
        self.model.optimizer.build(self.model.trainable_variables)
        if self.state is None:
            return
        variables, values = self._variables(), self.state["variables"]
        if self.epoch == self.first:
            variables = self.weights_model.variables
            values = values[: len(variables)]
        try:
            if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
                raise ValueError("shapes differ")
            for variable, value in zip(variables, values):
                variable.assign(value)
            for callback, values in zip(self.callbacks, self.state["callbacks"], strict=True):
                vars(callback).update({k: v for k, v in values.items() if _is_state(callback, k)})
            random.setstate(self.state["random"])
            np.random.set_state(self.state["numpy"])
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(f"{self.path} is the state of another model or optimizer; {REMEDY}.") from error

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.stopped = epoch + 1, bool(self.model.stop_training)
        self.history = [*self.history, {key: float(value) for key, value in (logs or {}).items()}]
        state = {
            "epoch": self.epoch,
            "history": self.history,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "variables": [np.asarray(v) for v in self._variables()],
            "callbacks": [
                {k: v for k, v in vars(c).items() if _is_state(c, k) and is_plain(v)} for c in self.callbacks
            ],
            "files": self.files.record() if self.files else {},
            "random": random.getstate(),
            "numpy": np.random.get_state(),
        }
        write_atomically(self.path, to_npz(state))

    def _read(self):
        content = self.path.read_bytes()
        try:
            state = from_npz(content)
            if not all(type(state[key]) is kind for key, kind in TYPES.items()):
                raise ValueError("it has other content")
            values = [value for row in state["history"] for value in row.values()]
            if len(state["history"]) != state["epoch"] or not all(type(value) is float for value in values):
                raise ValueError("its history has other content")
            if not all(type(name) is str and type(size) in (int, type(None)) for name, size in state["files"].items()):
                raise ValueError("its files have other content")
        except Exception as error:  # a damaged file can raise any exception
            reason = one_line(error)
            raise Refusal(f"{self.path} cannot be resumed from ({reason}); {REMEDY}.") from error
        return state

    def _variables(self):
        # without the metrics' variables, which `fit` resets
        return [*self.weights_model.variables, *self.model.optimizer.variables]


class KeepBest(keras.callbacks.Callback):
    """Callback: when training ends, sets the weights of the best epoch, the first or `last` of equally good ones.

    monitor: what is measured; the largest is the best, of a loss the smallest.
    Its attributes are plain values, so that `Checkpoint` saves them.
    """

    def __init__(self, weights_model: keras.Model, last: bool = False, monitor: str = "val_accuracy"):
        super().__init__()
        self.weights_model, self.last, self.monitor = weights_model, last, monitor
        self.best, self.best_epoch, self.best_weights = -np.inf, None, None

    def on_epoch_end(self, epoch, logs=None):
        value = -logs[self.monitor] if self.monitor.endswith("loss") else logs[self.monitor]
        if value > self.best or (self.last and value == self.best):
            self.best, self.best_epoch = float(value), epoch
            self.best_weights = self.weights_model.get_weights()

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.weights_model.set_weights(self.best_weights)


def _is_state(callback, name):
    """Returns whether an attribute may be saved: some belong to one call of `fit`, and methods to the class."""
    of_class = getattr(type(callback), name, None)
    return name not in OF_ONE_FIT and not (callable(of_class) or isinstance(of_class, property))

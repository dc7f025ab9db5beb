"""Checkpoints: everything that a training needs to resume exactly after an epoch, in one file, written atomically.

Keras's BackupAndRestore writes twice, and saves neither the state of random layers nor that of callbacks.
"""

import pickle
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.types import PathLike

STATE = "state.pickle"  # the checkpoint of a training, in its folder
PLAIN = (bool, int, float, str, bytes, type(None), np.generic, np.ndarray)
# Values of a callback's `monitor_op`, saved too: if Keras set it again, it would flip the sign of the saved min_delta.
COMPARISONS = (keras.ops.less, keras.ops.greater)
KEYS = {"epoch", "history", "seconds", "stopped", "variables", "callbacks", "random", "numpy"}


class Checkpoint(keras.callbacks.Callback):
    """Callback: saves the training's state after each epoch, and restores it when training starts.

    Arguments: weights_model, the model whose weights and random states are saved (the compiled model adds its
    optimizer's); path, the file; callbacks, those whose attributes are saved. The checkpoint must come after them in
    `fit`: they reset their attributes when training starts, then the checkpoint restores these.
    Attributes: epoch, the completed epochs; history, the results of each; seconds of training so far; stopped, whether
    a callback ended the training. Raises Refusal if the file is damaged or belongs to another model or optimizer.
    """

    def __init__(self, weights_model: keras.Model | None, path: PathLike, callbacks: Sequence[Any] = ()):
        super().__init__()
        self.weights_model, self.path, self.callbacks = weights_model, Path(path), list(callbacks)
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
        if self.state is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        variables, values = self._variables(), self.state["variables"]
        if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
            raise Refusal(f"{self.path} is the state of another model or optimizer; delete it to train from the start.")
        for variable, value in zip(variables, values):
            variable.assign(value)
        for callback, values in zip(self.callbacks, self.state["callbacks"], strict=True):
            vars(callback).update(values)
        random.setstate(self.state["random"])
        np.random.set_state(self.state["numpy"])

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.stopped = epoch + 1, bool(self.model.stop_training)
        self.history = [*self.history, {key: float(value) for key, value in (logs or {}).items()}]
        state = {
            "epoch": self.epoch,
            "history": self.history,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "variables": [np.asarray(v) for v in self._variables()],
            "callbacks": [{k: v for k, v in vars(c).items() if _is_plain(v)} for c in self.callbacks],
            "random": random.getstate(),
            "numpy": np.random.get_state(),
        }
        write_atomically(self.path, pickle.dumps(state))

    def _read(self):
        try:
            state = pickle.loads(self.path.read_bytes())  # noqa: S301 (written by kzoo)
            if not isinstance(state, dict) or not state.keys() >= KEYS:
                raise ValueError("it has other content")
        except OSError:
            raise
        except Exception as error:  # a damaged pickle can raise any exception
            reason = str(error) or type(error).__name__
            raise Refusal(
                f"{self.path} cannot be resumed from ({reason}); delete it to train from the start."
            ) from error
        return state

    def _variables(self):
        # without the metrics' variables, which `fit` resets
        return [*self.weights_model.variables, *self.model.optimizer.variables]


class KeepBest(keras.callbacks.Callback):
    """Callback: when training ends, sets the weights of the best epoch, the first one if several are equally good.

    Its attributes are plain values, so that `Checkpoint` saves them.
    """

    def __init__(self, weights_model: keras.Model, monitor: str = "val_accuracy"):
        super().__init__()
        self.weights_model, self.monitor = weights_model, monitor
        self.best, self.best_epoch, self.best_weights = -np.inf, None, None

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] > self.best:
            self.best, self.best_epoch = float(logs[self.monitor]), epoch
            self.best_weights = self.weights_model.get_weights()

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.weights_model.set_weights(self.best_weights)


def _is_plain(value):
    if isinstance(value, dict):
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN) or any(value is function for function in COMPARISONS)

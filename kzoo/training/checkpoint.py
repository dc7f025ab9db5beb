"""Resuming exactly: everything a training needs to go on from the end of a period, in one file written at once.

Keras's BackupAndRestore saves neither the state of random layers nor that of callbacks, and in two writes.

Source: none.
"""

import pickle
import random
import time
from pathlib import Path

import keras
import numpy as np

from kzoo.checks import Refusal
from kzoo.files import write_atomically

PLAIN = (bool, int, float, str, bytes, type(None), np.generic, np.ndarray)
COMPARISONS = (keras.ops.less, keras.ops.greater)  # `monitor_op`: Keras turns min_delta's sign when it sets one
KEYS = {"epoch", "history", "seconds", "stopped", "variables", "callbacks", "random", "numpy"}


class Checkpoint(keras.callbacks.Callback):
    """Writes the training's state at the end of each period, and puts it back when training begins again.

    Arguments: net, the model whose weights and random states count; path, the file; callbacks, those whose own
    counters must survive (this one goes last in the list, so that theirs are reset first and restored then).
    Attributes: epoch, periods done; history, a dict of figures a period; seconds spent training so far; stopped,
    whether a callback ended the training. Errors: ValueError if the file is damaged or of another training.
    """

    def __init__(self, net, path, callbacks=()):
        super().__init__()
        self.net, self.path, self.others = net, Path(path), list(callbacks)
        self.state = self._read() if self.path.exists() else None
        found = self.state or {"epoch": 0, "history": [], "seconds": 0.0, "stopped": False}
        self.epoch, self.history, self.stopped = found["epoch"], found["history"], found["stopped"]
        self._before, self._since = found["seconds"], None

    @property
    def seconds(self):
        """Wall time spent training, in all processes that worked on it."""
        return self._before + (0.0 if self._since is None else time.perf_counter() - self._since)

    def on_train_begin(self, logs=None):
        self._since = time.perf_counter()
        if self.state is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        variables, values = self._variables(), self.state["variables"]
        if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
            raise Refusal(f"{self.path} is the state of another model or optimizer; delete it to train from the start.")
        for variable, value in zip(variables, values):
            variable.assign(value)
        for callback, values in zip(self.others, self.state["callbacks"], strict=True):
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
            "callbacks": [{k: v for k, v in vars(c).items() if _is_plain(v)} for c in self.others],
            "random": random.getstate(),
            "numpy": np.random.get_state(),
        }
        write_atomically(self.path, pickle.dumps(state))

    def _read(self):
        try:
            state = pickle.loads(self.path.read_bytes())  # noqa: S301 (our own file)
            if not isinstance(state, dict) or not state.keys() >= KEYS:
                raise ValueError("it holds something else")
        except OSError:
            raise
        except Exception as error:  # what a damaged pickle raises can be anything
            reason = str(error) or type(error).__name__
            raise Refusal(
                f"{self.path} cannot be gone on from ({reason}); delete it to train from the start."
            ) from None
        return state

    def _variables(self):
        # the net's own: weights and the states of random layers, without the metrics that `fit` resets
        return [*self.net.variables, *self.model.optimizer.variables]


class KeepBest(keras.callbacks.Callback):
    """Remembers the weights of the best period, and sets them when training ends (Nielsen's rule).

    Of equal periods the first is kept. The best is in plain attributes, which `Checkpoint` saves.
    """

    def __init__(self, net, monitor="val_accuracy"):
        super().__init__()
        self.net, self.monitor = net, monitor
        self.best, self.best_epoch, self.best_weights = -np.inf, None, None

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] > self.best:
            self.best, self.best_epoch, self.best_weights = float(logs[self.monitor]), epoch, self.net.get_weights()

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.net.set_weights(self.best_weights)


def _is_plain(value):
    if isinstance(value, dict):
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN) or any(value is function for function in COMPARISONS)

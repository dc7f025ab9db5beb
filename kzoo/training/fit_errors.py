"""Tells a config that cannot be trained from an error in the middle of training."""

import contextlib
import os
import traceback as tracebacks
from collections.abc import Iterator

import keras

from kzoo.checks import Refusal, one_line
from kzoo.files import disk_error

PATHS = ("filename", "filepath", "log_dir", "backup_dir")  # attributes of Keras's callbacks that write


class FitErrors(keras.callbacks.Callback):
    """Callback and context manager for one call of `fit`.

    A ValueError or TypeError before the first optimizer step has completed means that parts of the config do not match,
    such as a loss and the labels: it becomes a Refusal of one line, as does a ValueError of a callback of Keras at any
    time. Other errors propagate as they are, with a note that says at which epoch and step; a full disk is an OSError
    with the callback's file.

    >>> with FitErrors("a run"):
    ...     raise ValueError("shapes differ")
    Traceback (most recent call last):
    ...
    kzoo.checks.Refusal: a run cannot be trained with this config: shapes differ
    """

    def __init__(self, label: str, steps_per_call: int = 1):
        super().__init__()
        self.label, self.steps_per_call = label, steps_per_call
        self.epoch, self.step, self.completed_a_step = 0, 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.step = epoch + 1, 0

    def on_train_batch_end(self, batch, logs=None):
        self.step, self.completed_a_step = (batch + 1) * self.steps_per_call, True

    def __enter__(self) -> "FitErrors":
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if isinstance(error, Refusal) or not isinstance(error, Exception):
            return
        callback = _callback_of(traceback)
        if callback and not getattr(error, "filename", None) and (code := disk_error(error)) is not None:
            raise OSError(code, os.strerror(code), _file_of_callback(callback)) from error
        if isinstance(error, ValueError) and type(callback).__module__.startswith("keras."):
            raise Refusal(f"training.callbacks: {type(callback).__name__} fails: {one_line(error)}") from error
        if self.completed_a_step:
            error.add_note(f"{self.label}: in epoch {self.epoch}, after {self.step} steps of it.")
        elif isinstance(error, (ValueError, TypeError)):
            raise Refusal(f"{self.label} cannot be trained with this config: {one_line(error)}") from error


def _callback_of(traceback):
    """Returns the callback whose method raised an error, or None."""
    owners = [frame.f_locals.get("self") for frame, _ in tracebacks.walk_tb(traceback)]
    return next((owner for owner in reversed(owners) if isinstance(owner, keras.callbacks.Callback)), None)


def _file_of_callback(callback):
    """Returns the path in the settings of a callback, or its class's name."""
    paths = [getattr(callback, name, None) for name in PATHS]
    return next((str(path) for path in paths if path), type(callback).__name__)


@contextlib.contextmanager
def note_on_error(note: str) -> Iterator[None]:
    """Context manager: adds a note to an exception that is not a Refusal."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        error.add_note(note)
        raise

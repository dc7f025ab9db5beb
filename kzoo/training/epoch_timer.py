"""Measures how fast a training is, without the time for compiling, validation and what happens between epochs."""

import time
from collections.abc import Callable

import keras


class EpochTimer(keras.callbacks.Callback):
    """Callback: measures the speed of the training steps and the duration of an epoch.

    The first call of the training step in a process compiles it, so it does not count.
    Arguments: steps, in an epoch, of which `steps_per_call` are one call; clock, a function that returns seconds.
    Attributes: rate, steps per second in the epoch, so far or, after its end, in all of it; None as long as nothing but
    the first call was seen. epoch_seconds, the time from one epoch's end to the next, None before it is known.
    """

    def __init__(self, steps: int, steps_per_call: int = 1, clock: Callable[[], float] = time.perf_counter):
        super().__init__()
        self.steps, self.steps_per_call, self.clock = steps, steps_per_call, clock
        self.rate: float | None = None
        self.epoch_seconds: float | None = None
        self._compiled, self._ended = False, None

    def on_epoch_begin(self, epoch, logs=None):
        self._started, self._counted = self.clock(), 0

    def on_train_batch_end(self, batch, logs=None):
        now = self.clock()
        if not self._compiled:
            self._compiled, self._started, self._ended = True, now, now
            return
        self._counted += self.steps_per_call
        if now > self._started:
            self.rate = self._counted / (now - self._started)

    def on_epoch_end(self, epoch, logs=None):
        now = self.clock()
        if self._counted:
            self.epoch_seconds = (now - self._ended) * self.steps / self._counted
        self._ended = now

    def seconds_left(self, epochs: float) -> float | None:
        """Returns an estimate of the time for a number of epochs, perhaps with a fraction; None if it is not known."""
        if self.epoch_seconds is not None:
            return epochs * self.epoch_seconds
        return None if self.rate is None else epochs * self.steps / self.rate


def last_epoch(rate: float | None, batch_size: int) -> dict[str, float] | None:
    """Returns the entry "last_epoch" of metrics.json from a rate in steps per second; None where it is not known.

    >>> last_epoch(123.456, 10)
    {'steps_per_second': 123.5, 'examples_per_second': 1235.0}
    """
    if rate is None:
        return None
    rates = {"steps_per_second": rate, "examples_per_second": rate * batch_size}
    return {key: float(f"{value:.4g}") for key, value in rates.items()}

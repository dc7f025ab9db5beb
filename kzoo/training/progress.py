"""The progress bar of a training."""

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kzoo.terminal import console, short_rate, short_time
from kzoo.training.epoch_timer import EpochTimer

INTERVAL = 1.0  # seconds between updates of the bar within an epoch


class ProgressBar(keras.callbacks.Callback):
    """Callback: shows completed epochs, the last results, the speed and the remaining time on stderr.

    Where stderr is not a terminal it prints a line after every tenth of the epochs instead.
    Arguments: timer, which comes before this callback in `fit`; start, the epochs of an earlier process.
    """

    def __init__(self, label: str, epochs: int, batch_size: int, timer: EpochTimer, start: int = 0):
        super().__init__()
        self.label, self.epochs, self.batch_size, self.timer = label, epochs, batch_size, timer
        self.epoch, self.updated = start, timer.clock()
        self.console = console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[results]}"),
            TimeElapsedColumn(),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(self.label, total=self.epochs, completed=start, results="compiling")

    def on_train_begin(self, logs=None):
        self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        if self.bar.disable or self.timer.clock() - self.updated < INTERVAL:
            return
        step = (batch + 1) * self.timer.steps_per_call
        self._update(self.epoch + step / self.timer.steps, f"step {step:,}/{self.timer.steps:,}")

    def on_epoch_end(self, epoch, logs=None):
        self.epoch = epoch + 1
        metric = next((key for key in sorted(logs or {}) if "loss" not in key), "accuracy")  # that of classes is first
        values = {key: logs[key] for key in ("loss", metric, f"val_{metric}") if key in (logs or {})}
        results = self._update(self.epoch, "  ".join(f"{key} {value:.4f}" for key, value in values.items()))
        tenth = max(1, self.epochs // 10)
        if not self.console.is_terminal and (self.epoch % tenth == 0 or self.epoch == self.epochs):
            self.console.print(f"{self.label}: {self.epoch}/{self.epochs}  {results}", highlight=False, soft_wrap=True)

    def _update(self, completed, results):
        """Shows results, the speed and the remaining time; returns them."""
        rate, left = self.timer.rate, self.timer.seconds_left(self.epochs - completed)
        parts = [results] if results else []
        if rate is not None:
            parts.append(f"{short_rate(rate)} steps/s  {short_rate(rate * self.batch_size)} examples/s")
        if left:
            parts.append(f"{short_time(left)} left")
        shown = "  ".join(parts)
        self.bar.update(self.task, completed=completed, results=shown)
        self.updated = self.timer.clock()
        return shown

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Restores the terminal's cursor; needed after a training that ended in an exception."""
        self.bar.stop()

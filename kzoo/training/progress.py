"""The progress bar of a training."""

import time

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kzoo.terminal import console


class ProgressBar(keras.callbacks.Callback):
    """Callback: shows completed epochs, the last results, steps per second and the remaining time on stderr.

    Where stderr is not a terminal it prints a line after every tenth of the epochs instead.
    """

    def __init__(self, label: str, epochs: int, steps: int, start: int = 0):
        super().__init__()
        self.label, self.epochs, self.steps, self.start = label, epochs, steps, start
        self.console = console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[results]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(self.label, total=self.epochs, completed=self.start, results="compiling")

    def on_train_begin(self, logs=None):
        self.bar.start()
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        rate = (epoch + 1 - self.start) * self.steps / (time.perf_counter() - self.started)
        main = next((key for key in logs or {} if "loss" not in key), "accuracy")  # accuracy of classes comes first
        shown = {key: logs[key] for key in ("loss", main, f"val_{main}") if key in (logs or {})}
        results = "  ".join([*(f"{key} {value:.4f}" for key, value in shown.items()), f"{rate:,.0f} steps/s"])
        self.bar.update(self.task, completed=epoch + 1, results=results)
        tenth = max(1, self.epochs // 10)
        if not self.console.is_terminal and ((epoch + 1) % tenth == 0 or epoch + 1 == self.epochs):
            self.console.print(f"{self.label}: {epoch + 1}/{self.epochs}  {results}", highlight=False, soft_wrap=True)

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Restores the terminal's cursor; needed after a training that ended in an exception."""
        self.bar.stop()

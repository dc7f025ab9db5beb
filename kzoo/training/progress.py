"""One progress bar for a whole training.

Source: none.
"""

import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class ProgressBar(keras.callbacks.Callback):
    """Periods done, the latest figures, steps a second and the time left; a line every tenth off a terminal."""

    def __init__(self, label, epochs, steps, start=0):
        super().__init__()
        self.label, self.epochs, self.steps, self.start = label, epochs, steps, start
        self.console = Console(stderr=True, markup=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(self.label, total=self.epochs, completed=self.start, figures="compiling")

    def on_train_begin(self, logs=None):
        self.bar.start()
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        rate = (epoch + 1 - self.start) * self.steps / (time.perf_counter() - self.began)
        shown = {key: logs[key] for key in ("loss", "accuracy", "val_accuracy") if key in (logs or {})}
        figures = "  ".join([*(f"{key} {value:.4f}" for key, value in shown.items()), f"{rate:,.0f} steps/s"])
        self.bar.update(self.task, completed=epoch + 1, figures=figures)
        tenth = max(1, self.epochs // 10)
        if not self.console.is_terminal and ((epoch + 1) % tenth == 0 or epoch + 1 == self.epochs):
            self.console.print(f"{self.label}: {epoch + 1}/{self.epochs}  {figures}", highlight=False, soft_wrap=True)

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Give the terminal its cursor back; for trainings that end in an exception."""
        self.bar.stop()

"""The progress bar: a bar on a terminal, lines elsewhere, and a restored cursor however training ends."""

import io
import itertools

import pytest
from rich.console import Console

from kzoo.training.progress import ProgressBar


class Timer:
    """Stands for an `EpochTimer`: 120 seconds an epoch of 10 steps."""

    rate, steps, steps_per_call = 0.125, 10, 1

    def __init__(self):
        self.clock = itertools.count().__next__  # a second between two calls

    def seconds_left(self, epochs):
        return 120 * epochs


def play(epochs, terminal=False, start=0, label="a run", logs=None):
    """Returns what the bar of a training writes."""
    bar = ProgressBar(label, epochs, 4, Timer(), start)
    written = io.StringIO()
    bar.console.file, bar.console.width = written, 200
    if terminal:
        bar.console._force_terminal = True
        bar.bar.disable = False
    bar.on_train_begin()
    for epoch in range(start, epochs):
        bar.on_epoch_end(epoch, logs or {"loss": 0.5, "accuracy": 0.25, "val_accuracy": 0.125, "other": 1.0})
    bar.on_train_end()
    return written.getvalue()


@pytest.mark.parametrize("epochs, lines", [(1, 1), (3, 3), (10, 10), (25, 13), (100, 10)])
def test_a_line_every_tenth(epochs, lines):
    written = play(epochs).splitlines()
    assert len(written) == lines
    assert written[-1].startswith(f"a run: {epochs}/{epochs}  loss 0.5000  accuracy 0.2500  val_accuracy 0.1250  ")
    assert written[-1].endswith("  0.12 steps/s  0.5 examples/s")
    if epochs == 3:
        assert written[0].endswith(" examples/s  4 min left")


def test_resumes_at_its_start():
    assert [line.split()[2] for line in play(10, start=8).splitlines()] == ["9/10", "10/10"]
    assert play(10, start=10) == ""


def test_labels_are_not_markup():
    assert play(1, label="a[b] [/]$x$ ü").startswith("a[b] [/]$x$ ü: 1/1")


def test_no_results():
    assert "a run: 1/1  " in play(1, logs={"nothing": 0.0})


def test_a_bar_on_a_terminal_restores_the_cursor():
    written = play(5, terminal=True, label="a[b]")
    assert "a[b]" in written and "5/5" in written
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1


def test_steps_within_an_epoch():
    """On a terminal, with the time that is left of the whole training."""
    bar = ProgressBar("a run", 5, 4, Timer(), start=2)
    bar.console = bar.bar.live.console = Console(file=io.StringIO(), force_terminal=True, width=200)
    bar.bar.disable = False
    bar.on_train_begin()
    bar.on_train_batch_end(4)
    bar.close()
    assert "step 5/10  0.12 steps/s  0.5 examples/s  5 min left" in bar.console.file.getvalue()


def test_close_restores_the_cursor_after_an_exception():
    bar = ProgressBar("a run", 5, 4, Timer())
    bar.close()  # before training began
    bar.console = bar.bar.live.console = Console(file=io.StringIO(), force_terminal=True)
    bar.bar.disable = False
    bar.on_train_begin()
    bar.close()
    bar.close()
    assert "\x1b[?25h" in bar.console.file.getvalue()

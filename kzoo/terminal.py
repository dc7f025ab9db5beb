"""Terminal output: messages, tables, numbers, and the silencing of libraries that print notes.

rich is imported where it is used, so that `kzoo --help` stays quick.
"""

import contextlib
import io
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kzoo.checks import escape

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


FIRST_LINE, NEXT_LINE = 2, 10  # seconds until a line of progress


def say(text: str) -> None:
    """Prints one line to stderr."""
    console(stderr=True).print(escape(text), highlight=False, markup=False, soft_wrap=True)


def print_table(table: "RenderableType") -> None:
    """Prints a rich table to stdout, 160 columns wide where stdout is not a terminal."""
    stdout().print(table)


def stdout() -> "Console":
    """Returns a rich console on stdout, 160 columns wide where stdout is not a terminal."""
    return console(width=None if sys.stdout.isatty() else 160)


def console(**settings: Any) -> "Console":
    """Returns a rich console that prints text as it is, without markup."""
    from rich.console import Console

    return Console(markup=False, **settings)


def percent(fraction: float | None) -> str:
    """Formats a fraction as a percentage.

    >>> percent(0.149), percent(None)
    ('14.9 %', '-')
    """
    return "-" if fraction is None else f"{fraction * 100:.2f}".rstrip("0").rstrip(".") + " %"


def short_count(count: float) -> str:
    """Formats a count with three digits and a unit prefix.

    >>> short_count(30_000), short_count(4_089_184_256)
    ('30 k', '4.09 G')
    """
    power = 0
    while count >= 999.5 and power < 4:
        count, power = count / 1000, power + 1
    return f"{count:.3g}{('', ' k', ' M', ' G', ' T')[power]}"


def short_rate(rate: float) -> str:
    """Formats a number of things per second: whole numbers, and small ones with two digits.

    >>> short_rate(12_345.6), short_rate(0.0123)
    ('12,346', '0.012')
    """
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def short_time(seconds: float) -> str:
    """Formats a duration with one or two units.

    >>> short_time(0.4), short_time(75), short_time(7_384)
    ('0 s', '1 min 15 s', '2 h 3 min')
    """
    total = round(seconds)
    units = (("d", total // 86_400), ("h", total // 3_600 % 24), ("min", total // 60 % 60), ("s", total % 60))
    first = next((i for i, (_, count) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count or unit == units[first][0])


class Progress:
    """Counts what is done, from any thread, and prints how far it is: after two seconds, then every ten.

    Arguments: what, words that follow the numbers; total, the count at which it is silent again.

    >>> progress = Progress("images are read", 2)
    >>> progress.tick()
    >>> list(progress.over("ab"))
    ['a', 'b']
    """

    def __init__(self, what: str, total: int):
        self.what, self.total, self.done = what, total, 0
        self._lock, self._due = threading.Lock(), float("inf")
        self._show: Callable[[], None] = self._print_if_due

    def tick(self) -> None:
        """Counts one more."""
        with self._lock:
            self.done += 1
            self._show()

    def over(self, items: Iterable) -> Iterator:
        """Yields items, and counts each when the next one is asked for."""
        for item in items:
            yield item
            self.tick()

    @contextlib.contextmanager
    def bar(self) -> Iterator[None]:
        """Context manager: where stderr is a terminal it draws a bar instead of printing lines."""
        from rich import progress as rich_progress

        shown = console(stderr=True)
        if not shown.is_terminal:
            yield
            return
        columns = (rich_progress.BarColumn(), rich_progress.MofNCompleteColumn())
        text = rich_progress.TextColumn(self.what, markup=False)
        with rich_progress.Progress(
            *columns, text, rich_progress.TimeRemainingColumn(), console=shown, redirect_stdout=False
        ) as bar:
            task = bar.add_task("", total=self.total)
            self._show = lambda: bar.update(task, completed=self.done)
            yield

    def _print_if_due(self):
        now = time.monotonic()
        if self.done == 1:
            self._due = now + FIRST_LINE
        if now >= self._due and self.done < self.total:
            self._due = now + NEXT_LINE
            say(f"{self.done:,} of {self.total:,} {self.what}")


@contextlib.contextmanager
def quiet(show_on_error: bool = False) -> Iterator[None]:
    """Context manager: discards stderr (of native code too), Python warnings and log messages below CRITICAL.

    With `show_on_error` the discarded stderr is printed after all if the block raises an exception.

    >>> with quiet():
    ...     print("a note", file=sys.stderr)
    """
    disabled = logging.root.manager.disable
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept, contextlib.redirect_stderr(io.StringIO()) as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            if show_on_error:
                kept.seek(0)
                os.write(stderr, kept.read() + text.getvalue().encode())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            logging.disable(disabled)

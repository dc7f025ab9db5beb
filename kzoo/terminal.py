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
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kzoo.checks import escape

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


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


class SlowCount:
    """Counts what is done, from any thread, and prints how far it is: after two seconds, then every ten.

    Arguments: what, words that follow the numbers; total, the count at which it is silent again.

    >>> count = SlowCount("images are read", 2)
    >>> count.tick()
    """

    def __init__(self, what: str, total: int):
        self.what, self.total, self.done = what, total, 0
        self._lock, self._due = threading.Lock(), float("inf")

    def tick(self) -> None:
        """Counts one more."""
        with self._lock:
            self.done, now = self.done + 1, time.monotonic()
            if self.done == 1:
                self._due = now + 2
            if now >= self._due and self.done < self.total:
                self._due = now + 10
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

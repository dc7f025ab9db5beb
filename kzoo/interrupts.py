"""Ctrl-C, SIGTERM and a closed terminal (SIGHUP) end the command line in one line, whatever it is doing.

A signal raises KeyboardInterrupt, so that temporary files are removed. Three things would go wrong with that alone:
during an import it prints many lines or is swallowed, a library may swallow it later, and native code may run for
minutes before Python sees it. So a signal during an import exits at once, and a thread exits the process if it is still
running after GRACE seconds, or at the second signal. Both are safe, because files are written as if a kill could
come at any moment (`kzoo.files`).

Source: sigaction(2); Python's `signal.set_wakeup_fd`.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

GRACE = 5.0  # seconds from the first signal to the end
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT  # exit code after Ctrl-C, as in a shell
RESUMABLE = ("train", "tune")
TRIED_OUT = ("--overfit", "--find-lr", "--dry-run", "--report")  # options with which `train` and `tune` write no run
SHOW_CURSOR = "\r\x1b[K\x1b[?25h"  # clears the line of a progress bar, which hides the cursor


def how_to_resume(command: Sequence[str]) -> list[str]:
    """Returns the sentence that says how to resume a command line, in a list; an empty list if it cannot be resumed."""
    resumable = any(word in RESUMABLE for word in command[:2]) and not any(
        word.startswith(TRIED_OUT) for word in command
    )
    return ["the same command resumes from the last finished epoch"] * resumable


def interrupted_line(command: Sequence[str]) -> str:
    """Returns what is printed when a command line is interrupted.

    >>> interrupted_line(["list"])
    'kzoo: interrupted.'
    """
    return "kzoo: " + "; ".join(["interrupted", *how_to_resume(command)]) + "."


class Interrupts:
    """The signals that end this process. Attributes: exit_code, of a process that received one, None before.

    finishing: whether the command is over, so that there is nothing left to unwind.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.finishing = False
        self.line, self.stderr = "", 2

    def install(self, line: str) -> None:
        """Handles the signals of this process from now on; one that it was started to ignore stays ignored."""
        self.line, self.stderr = line, os.dup(2)  # `kzoo.terminal.quiet` redirects 2
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as of nohup, and of background jobs of scripts
                signal.signal(number, self._handle)
        sys.unraisablehook = self._handle_unraisable
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()

    def exit(self, exit_code: int) -> NoReturn:
        """Prints the line and ends the process without unwinding anything."""
        start = SHOW_CURSOR if os.isatty(self.stderr) else ""
        try:
            os.write(self.stderr, f"{start}{self.line}\n".encode())
        finally:
            os._exit(exit_code)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first, self.exit_code = self.exit_code is None, self.exit_code or 128 + number
        if self.finishing or is_importing(frame):
            self.exit(self.exit_code)
        if first:  # the watching thread exits at the second one
            raise KeyboardInterrupt

    def _handle_unraisable(self, unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):  # raised in a destructor, from where it cannot go on
            self.exit(self.exit_code or INTERRUPTED)
        sys.__unraisablehook__(unraisable)

    def _watch(self, reader: int) -> None:
        """Exits GRACE seconds after the first signal, or at the second one."""
        received: list[int] = []
        while len(received) < 2 and select.select([reader], [], [], GRACE if received else None)[0]:
            received += [number for number in os.read(reader, 64) if number in SIGNALS]
        self.exit(128 + received[0])


def is_importing(frame: FrameType | None) -> bool:
    """Returns whether a frame runs within an `import`."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


INTERRUPTS = Interrupts()  # of this process

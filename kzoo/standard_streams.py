"""Standard input, output and error, which a process may be started without (`2>&-`) or be unable to write to.

Without 2, Python's `sys.stderr` is None, and the next file that is opened gets the number 2 and with it all messages.
"""

import os
import sys

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed_streams() -> None:
    """Opens each standard stream that is closed on the null device."""
    for descriptor, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            point_to_null_device(descriptor)
        if getattr(sys, name) is None:
            stream = open(descriptor, mode, closefd=False)  # noqa: SIM115 (for the life of the process)
            setattr(sys, name, stream)


def flush_streams() -> None:
    """Flushes standard output and error; one that cannot be written is discarded, or Python would complain at exit."""
    for descriptor, (name, _) in list(enumerate(STREAMS))[1:]:
        try:
            getattr(sys, name).flush()
        except OSError:
            point_to_null_device(descriptor)


def point_to_null_device(descriptor: int) -> None:
    """Makes a file descriptor one of the null device, for child processes too."""
    opened = os.open(os.devnull, os.O_RDWR)
    os.dup2(opened, descriptor)
    if opened != descriptor:
        os.close(opened)

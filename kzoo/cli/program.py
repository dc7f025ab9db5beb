"""The command line as a program: runs a command, and turns every error into lines on stderr and an exit code."""

import contextlib
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import typer

from kzoo.checks import Refusal, one_line
from kzoo.cli.app import app
from kzoo.cli.debugging import debugging
from kzoo.files import disk_error
from kzoo.interrupts import INTERRUPTED, INTERRUPTS, how_to_resume, interrupted_line
from kzoo.memory import describe_out_of_memory, is_out_of_memory
from kzoo.standard_streams import flush_streams

FAULT, MISUSE = 1, 2  # exit codes


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits: a user's mistake is one line and exit code 2, a fault a few lines and 1.

    An interruption is one line too; the exit code is 128 plus the number of the signal.
    """
    command = sys.argv[1:] if args is None else list(args)
    text, code = "", 0
    raised: Exception | None = None
    try:
        ended = app(args=command or ["--help"], prog_name="kzoo", standalone_mode=False)
        sys.stdout.flush()
        code = ended if isinstance(ended, int) else 0
    except KeyboardInterrupt:  # typer itself returns INTERRUPTED
        code = INTERRUPTED
    except (typer.TyperException, Refusal, OSError) as error:
        text, code, raised = f"kzoo: {one_line(_message(error))}", MISUSE, error
    except Exception as error:
        text, code, raised = "", FAULT, error
        if disk_error(error) is not None:
            text, code = f"kzoo: {one_line(error)}", MISUSE
        elif is_out_of_memory(error):
            text, code = f"kzoo: {describe_out_of_memory(error)}", MISUSE
    INTERRUPTS.finishing = True
    if code == INTERRUPTED or INTERRUPTS.exit_code:  # a library may have made another exception of it
        text, code, raised = interrupted_line(command), INTERRUPTS.exit_code or INTERRUPTED, None
    elif code == FAULT and raised:
        from kzoo.fault_report import describe_fault

        text = "\n".join([f"kzoo: {describe_fault(raised, command)}", *how_to_resume(command)])
    _exit_with(text, code, raised)


def _message(error: Exception) -> str:
    return error.format_message() if isinstance(error, typer.TyperException) else str(error)


def _exit_with(text: str, code: int, error: Exception | None = None) -> NoReturn:
    with contextlib.suppress(OSError):  # of a full disk: the exit code still says it
        if error is not None and debugging():
            traceback.print_exception(error)
        if text:
            print(text, file=sys.stderr)
    flush_streams()
    sys.exit(code)

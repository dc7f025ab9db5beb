"""The command `kzoo`, and `python -m kzoo`: handles signals and standard streams before anything large is imported."""

import sys
from collections.abc import Sequence
from typing import NoReturn

from kzoo.interrupts import INTERRUPTED, INTERRUPTS, interrupted_line
from kzoo.standard_streams import open_closed_streams


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits, as `kzoo.cli.program.main` does."""
    command = sys.argv[1:] if args is None else list(args)
    open_closed_streams()
    INTERRUPTS.install(interrupted_line(command))
    try:
        from kzoo.cli.program import main as run

        run(command)
    except KeyboardInterrupt:  # outside the command: in the few lines here, or while it exits
        INTERRUPTS.exit(INTERRUPTS.exit_code or INTERRUPTED)


if __name__ == "__main__":
    main()

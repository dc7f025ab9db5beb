"""`kzoo doctor`: checks the installation."""

import contextlib

from kzoo.checks import Refusal
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table


def doctor() -> None:
    """Check versions, devices and one XLA-compiled op."""
    with contextlib.suppress(ImportError):  # the table names it
        import_tensorflow()
    from kzoo.analysis.doctor import checks

    table, healthy = checks()
    print_table(table)
    if not healthy:
        raise Refusal("something above failed.")

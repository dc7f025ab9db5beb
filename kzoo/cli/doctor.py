"""`kzoo doctor`: checks the installation."""

import contextlib

from kzoo.checks import Refusal
from kzoo.cli.arguments import Imports
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def doctor(imports: Imports = []) -> None:  # noqa: B006
    """Check versions, devices, plugins and one XLA-compiled op."""
    request_modules(imports)
    with contextlib.suppress(ImportError):  # the table names it
        import_tensorflow()
    from kzoo.analysis.doctor import checks

    table, healthy = checks()
    print_table(table)
    if not healthy:
        raise Refusal("something above failed.")

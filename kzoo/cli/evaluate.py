"""`kzoo evaluate`: evaluates a finished run."""

from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, Run
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def evaluate(
    run: Run,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write predictions.csv, classes.csv and the pictures of mistakes into the run's folder."
        ),
    ] = False,
    imports: Imports = [],  # noqa: B006 (typer's way)
) -> None:
    """Evaluate a finished run again on its own data.

    --write is for runs of earlier versions, which have no predictions.csv; other files of the run stay as they are.
    """
    request_modules(imports)
    from kzoo.run_folder import find_run

    find_run(run)
    import_tensorflow()
    from kzoo.training.evaluation import evaluate_run

    print_table(evaluate_run(run, write))

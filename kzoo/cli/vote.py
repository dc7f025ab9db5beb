"""`kzoo vote`: evaluates several runs together."""

import json
from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, Json
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def vote(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders of runs, or their names under saved_models/.")
    ],
    as_json: Json = False,
    imports: Imports = [],  # noqa: B006
) -> None:
    """Evaluate runs and their seeds together on their test data.

    The error of each, that of the mean of their probabilities, and that of the majority. All must have been trained on
    the same data.

    Example: kzoo vote nielsen_3 nielsen_6
    """
    request_modules(imports)
    from kzoo.run_folder import find_seeds

    for run in runs:
        find_seeds(run, "model.keras")
    import_tensorflow()
    from kzoo.reports.vote import vote as evaluate
    from kzoo.reports.vote import vote_table

    result = evaluate(runs)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        print_table(vote_table(result))

"""`kzoo compare`: compares finished runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import require
from kzoo.cli.arguments import Json
from kzoo.files import check_writable
from kzoo.terminal import print_table, say


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="Folders of runs, or their names under saved_models/.")
    ],
    plot: Annotated[str | None, typer.Option(help="Path of a .png file for the curves of the runs.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --plot.")] = False,
    as_json: Json = False,
) -> None:
    """Compare finished runs: settings that differ, results, curves.

    Of a run with several seeds the table has the mean and the range. No data is read and no model is loaded.

    Example: kzoo compare mnist1d_cnn mnist1d_fc --plot curves.png
    """
    require(len(runs) > 1, "compare", "two runs or more", runs=runs)
    path = None if plot is None else Path(plot)
    if path is not None:
        require(path.suffix == ".png", "compare --plot", "the path of a .png file", plot=plot)
        free = not path.exists() or (overwrite and path.is_file())
        require(free, "compare --plot", "a path where there is nothing, or a file and --overwrite", plot=plot)
        check_writable(path, "compare --plot")
    from kzoo.reports import run_comparison

    found = [run_comparison.read_run(run) for run in runs]
    if path is not None:
        run_comparison.plot_curves(found, path)
        say(f"Written to {path}.")
    comparison = run_comparison.compare(found)
    if as_json:
        typer.echo(json.dumps(comparison, indent=2))
    else:
        print_table(run_comparison.comparison_table(comparison))

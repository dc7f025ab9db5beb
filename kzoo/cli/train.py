"""`kzoo train`: trains a config."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kzoo.cli.arguments import AllowOutside, Config, Imports, Out, Overwrite, RunName, Sets, config_name, read_config
from kzoo.cli.debugging import import_tensorflow
from kzoo.files import check_writable, hidden, write_atomically
from kzoo.user_modules import name_missing_modules, request_modules


def train(
    config: Config = "mnist1d_cnn",
    run: RunName = None,
    out: Out = "saved_models",
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build everything and train one step on random data; write nothing.")
    ] = False,
    results: Annotated[str | None, typer.Option(help="Folder for a copy of metrics.json, named after the run.")] = None,
    allow_outside: AllowOutside = False,
    imports: Imports = [],  # noqa: B006 (typer's way)
    sets: Sets = [],  # noqa: B006
) -> None:
    """Train a config, then evaluate and export the model.

    The exported files are verified. The same command resumes an interrupted run.

    Example: kzoo train mnist1d_cnn --set training.epochs=10 --run short
    """
    request_modules(imports)
    name = run if run is not None else config_name(config)
    with name_missing_modules(hidden(Path(out, name), "partial")):
        settings = read_config(config, sets, allow_outside)
    copy = Path(results, f"{name}.json") if results and not dry_run else None
    if copy:
        check_writable(copy, "--results")
    import_tensorflow()
    if dry_run:
        from kzoo.training.dry_run import dry_run as run_dry

        typer.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in run_dry(settings).items()))
        return
    from kzoo.training import run as runs

    folder, metrics = runs.run(settings, name, out, overwrite)
    runs.print_finished(name, folder, metrics)
    if copy:
        write_atomically(copy, json.dumps(metrics, indent=2) + "\n")

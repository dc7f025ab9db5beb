"""`kzoo train`: trains a config."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.checks import Refusal
from kzoo.cli.arguments import AllowOutside, Config, Imports, Out, Overwrite, RunName, Sets, config_name, read_config
from kzoo.cli.debugging import import_tensorflow
from kzoo.files import check_writable, hidden, write_atomically
from kzoo.run_folder import check_run_name
from kzoo.user_modules import name_missing_modules, request_modules


def train(
    config: Config = "mnist1d_cnn",
    run: RunName = None,
    out: Out = "saved_models",
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build everything and train one step on random data; write nothing.")
    ] = False,
    overfit: Annotated[
        int | None,
        typer.Option("--overfit", metavar="N", help="Only see if the model fits N training examples; draw it.", min=1),
    ] = None,
    find_lr: Annotated[
        bool, typer.Option("--find-lr", help="Only train with a growing learning rate; suggest one, draw the losses.")
    ] = False,
    results: Annotated[str | None, typer.Option(help="Folder for a copy of metrics.json, named after the run.")] = None,
    allow_outside: AllowOutside = False,
    imports: Imports = [],  # noqa: B006 (typer's way)
    sets: Sets = [],  # noqa: B006
) -> None:
    """Train a config, then evaluate and export the model.

    The exported files are verified. The same command resumes an interrupted run, and trains a finished one further if
    it sets more epochs.

    Example: kzoo train mnist1d_cnn --set training.epochs=10 --run short
    """
    if (overfit is not None) + find_lr + dry_run > 1:
        raise Refusal("train expects only one of --dry-run, --overfit and --find-lr.")
    request_modules(imports)
    name = run if run is not None else config_name(config)
    with name_missing_modules(hidden(Path(out, name), "partial")):
        settings = read_config(config, sets, allow_outside)
    if overfit is not None or find_lr:
        check_run_name(name)
        picture = Path(out, f"{name}_{'find_lr' if find_lr else 'overfit'}.png")
        check_writable(picture, "--out")
        import_tensorflow()
        typer.echo(_try_out(settings, name, picture, overfit))
        return
    copy = Path(results, f"{name}.json") if results and not dry_run else None
    if copy:
        check_writable(copy, "--results")
    import_tensorflow()
    if dry_run:
        from kzoo.training.dry_run import dry_run as run_dry

        found = {key: f"{value:.4g}" if key == "loss" else value for key, value in run_dry(settings).items()}
        typer.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items()))
        return
    from kzoo.training import run as runs

    folder, metrics = runs.run(settings, name, out, overwrite)
    runs.print_finished(name, folder, metrics)
    if copy:
        write_atomically(copy, json.dumps(metrics, indent=2) + "\n")


def _try_out(settings: Any, name: str, picture: Path, count: int | None) -> str:
    """Returns the verdict of --overfit on so many examples, or of --find-lr if `count` is None."""
    if count is None:
        from kzoo.training.learning_rate_test import find_learning_rate

        return find_learning_rate(settings, name, picture)
    from kzoo.training.overfit import overfit

    return overfit(settings, count, name, picture)

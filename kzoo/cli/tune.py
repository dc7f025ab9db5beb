"""`kzoo tune`: searches for the best settings of a config."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.cli.arguments import AllowOutside, Imports, Out, Overwrite, Sets, config_name, read_config
from kzoo.cli.debugging import import_tensorflow
from kzoo.files import check_writable, hidden
from kzoo.user_modules import name_missing_modules, request_modules


def tune(
    config: Annotated[str, typer.Argument(help="Path or name of a config; with --report, folder or name of a run.")],
    run: Annotated[
        str | None, typer.Option(help="Name of the run; default: the config's name followed by _search.")
    ] = None,
    out: Out = "saved_models",
    overwrite: Overwrite = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that run trials, each with its share of the CPU cores; default: 1."),
    ] = None,
    report: Annotated[
        bool,
        typer.Option("--report", help="Only print and plot the trials of a config's or a run's search again."),
    ] = False,
    results: Annotated[str | None, typer.Option(help="Folder for copies of trials.csv, plots and results.")] = None,
    allow_outside: AllowOutside = False,
    imports: Imports = [],  # noqa: B006 (typer's way)
    sets: Sets = [],  # noqa: B006
) -> None:
    """Search for the best settings, then train with them.

    The config's part `search` says which settings to try. The same command resumes an interrupted search, and extends
    a finished one if it sets more trials. Workers on several machines: docs/searches.md.

    Example: kzoo tune mnist1d_cnn --set search.trials=6 --workers 2
    """
    request_modules(imports)
    if report:
        import_tensorflow()
        from kzoo.tuning.report import rebuild_report

        rebuild_report(config)
        return
    name = run if run is not None else f"{config_name(config)}_search"
    with name_missing_modules(hidden(Path(out, name), "partial")):
        settings = read_config(config, sets, allow_outside)
    _check_searched_settings(settings)
    if results:
        check_writable(Path(results, name), "--results")
    import_tensorflow()
    from kzoo.training.run import print_finished
    from kzoo.tuning.report import copy_report
    from kzoo.tuning.search import search

    done = search(settings, name, out, overwrite, workers)
    if done is not None:  # None: this process was a worker of another process's search
        print_finished(name, *done)
        if results:
            copy_report(done[0], Path(results, name))


def _check_searched_settings(settings: Any) -> None:
    from kzoo.index import check_model

    paths = [path.split(".") for path in (settings.search.space if settings.search else ())]
    check_model(settings.model.name, [key for part, key, *_ in paths if part == "model"])

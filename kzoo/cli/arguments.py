"""Arguments and options that several commands share, and how the argument CONFIG is read."""

import os
from typing import Annotated, Any

import typer

from kzoo.cli.debugging import import_tensorflow
from kzoo.user_modules import has_user_modules

Config = Annotated[str, typer.Argument(help="Path of a config, or the name of one that kzoo ships.")]
Run = Annotated[str, typer.Argument(help="Folder of a run, or its name under saved_models/.")]
RunName = Annotated[str | None, typer.Option("--run", help="Name of the run; default: the config's name.")]
Out = Annotated[str, typer.Option(help="Folder in which the run's folder is created.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a finished or interrupted run of this name.")]
Sets = Annotated[
    list[str], typer.Option("--set", metavar="PART.KEY=VALUE", help="Override a setting of the config; repeatable.")
]
AllowOutside = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        help="Let callbacks write outside the run's folder and send results to a server; the same as "
        "KZOO_ALLOW_OUTSIDE=1.",
    ),
]
Imports = Annotated[
    list[str],
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Module, or path of a .py file or package, that registers models, datasets, layers of yours; repeatable.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def read_config(config: str, sets: list[str], allow_outside: bool) -> Any:
    """Returns the checked config; the model's name and settings are checked here too.

    TensorFlow is imported only if the user's own modules are.
    """
    from kzoo.config.config_files import read_config as read
    from kzoo.index import check_model
    from kzoo.training.callback_paths import ALLOW_OUTSIDE

    if allow_outside:
        os.environ[ALLOW_OUTSIDE] = "1"  # in child processes too
    settings = read(config, sets)
    import_own_models()
    check_model(settings.model.name, settings.model.settings)
    return settings


def check_run_or_model(name: str) -> None:
    """Raises Refusal if `name` is no run and no model; prints a note on a model whose run is not finished."""
    from kzoo.run_folder import find_run_or_model, find_unfinished
    from kzoo.terminal import say

    if find_run_or_model(name) is None and (folder := find_unfinished(name)):
        say(f"The run {folder} is not finished: this is the model {name} with initial weights.")


def import_own_models() -> None:
    """Imports the user's modules and plugins, if there are any, so that the names of their models are known."""
    if has_user_modules():
        import_tensorflow()


def config_name(config: str) -> str:
    """Returns the name of a config, after which its run is named."""
    from kzoo.config.config_files import config_path

    return config_path(config).stem

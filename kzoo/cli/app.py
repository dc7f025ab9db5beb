"""The Typer application `kzoo`: its commands, in the order in which `--help` lists them, and its options."""

import os
from typing import Annotated

import typer

from kzoo.cli.compare import compare
from kzoo.cli.data import data
from kzoo.cli.debugging import DEBUG
from kzoo.cli.doctor import doctor
from kzoo.cli.evaluate import evaluate
from kzoo.cli.explore import explore
from kzoo.cli.export import export
from kzoo.cli.layers import layers
from kzoo.cli.list import list_
from kzoo.cli.look import look
from kzoo.cli.predict import predict
from kzoo.cli.show import show
from kzoo.cli.train import train
from kzoo.cli.tune import tune
from kzoo.cli.vote import vote

app = typer.Typer(
    help="Layers and classical ConvNets for Keras 3: train, evaluate and export them from YAML configs.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    *(train, tune, data, list_, layers, show, evaluate, compare, vote, predict, look, explore, export, doctor),
):
    app.command(command.__name__.rstrip("_"))(command)


def _print_versions(wanted: bool) -> None:
    if wanted:
        from kzoo.fault_report import versions

        typer.echo(", ".join(f"{package} {version}" for package, version in versions().items()))
        raise typer.Exit


@app.callback(help=app.info.help)
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show the traceback of every error; the same as {DEBUG}=1.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print versions and exit.", callback=_print_versions, is_eager=True)
    ] = False,
) -> None:
    """Handles the options that stand before the command."""
    if debug:
        os.environ[DEBUG] = "1"  # in child processes too

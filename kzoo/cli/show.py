"""`kzoo show`: shows a model."""

from typing import Annotated

import typer

from kzoo.cli.debugging import import_tensorflow


def show(name: Annotated[str, typer.Argument(help="Name of a model, as `kzoo list` prints it.")]) -> None:
    """Show a model's layers, receptive fields, settings and source."""
    from shutil import get_terminal_size

    from kzoo.index import check_model
    from kzoo.terminal import stdout
    from kzoo.user_cache import cached_text

    check_model(name)
    console = stdout()

    def render() -> str:
        import_tensorflow()
        from kzoo.analysis.catalogue import model_text

        return model_text(name, console)

    layout = f"{get_terminal_size().columns}-{console.width}-{console.color_system}"
    typer.echo(cached_text("show", f"{name}-{layout}", render), nl=False)

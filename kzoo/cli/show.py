"""`kzoo show`: shows a model."""

from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, import_own_models
from kzoo.cli.debugging import import_tensorflow
from kzoo.user_modules import has_user_modules, request_modules


def show(
    name: Annotated[
        str, typer.Argument(help="Name of a model, as `kzoo list` prints it, or of a run, or path of a .keras file.")
    ],
    imports: Imports = [],  # noqa: B006
) -> None:
    """Show a model's layers, receptive fields, settings and source."""
    request_modules(imports)
    import_own_models()
    from shutil import get_terminal_size

    from kzoo.index import is_keras_file, known_models
    from kzoo.run_folder import find_run_or_model
    from kzoo.terminal import stdout
    from kzoo.user_cache import cached_text

    if name not in known_models() and (folder := find_run_or_model(name)):
        name = str(folder / "model.keras")
    console = stdout()

    def render() -> str:
        import_tensorflow()
        from kzoo.analysis.catalogue import model_text

        return model_text(name, console)

    layout = f"{get_terminal_size().columns}-{console.width}-{console.color_system}"
    changeable = has_user_modules() or is_keras_file(name)
    typer.echo(render() if changeable else cached_text("show", f"{name}-{layout}", render), nl=False)

"""`kzoo look`: draws what a model computes."""

from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, check_run_or_model, import_own_models
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import say
from kzoo.user_modules import request_modules


def look(
    name: Annotated[str, typer.Argument(help="Folder of a run, its name under saved_models/, or name of a model.")],
    layer: Annotated[
        str | None, typer.Option(help="Path of a layer, as kzoo show prints it; default: the last with positions.")
    ] = None,
    unit: Annotated[int | None, typer.Option(help="Channel of the layer; default: the largest.", min=0)] = None,
    example: Annotated[int, typer.Option(help="Number of the input that most pictures show.", min=0)] = 0,
    data: Annotated[
        list[str], typer.Option(help="Image, .npy file or folder to take inputs from; repeatable. Default: test data.")
    ] = [],  # noqa: B006
    out: Annotated[str | None, typer.Option(help="Folder to write; default: RUN/look, or look/NAME.")] = None,
    imports: Imports = [],  # noqa: B006
) -> None:
    """Draw what a model computes, sees and looks for.

    A page explains each picture: kernels, maps and receptive fields, what activates a unit and what it looks for,
    where the class is in the input, and what moves when the input moves.

    Example: kzoo look mnist1d_cnn --layer stage2 --unit 3
    """
    request_modules(imports)
    import_own_models()
    check_run_or_model(name)
    import_tensorflow()
    from kzoo.training.look import look as draw

    say(f"Written to {draw(name, layer, unit, example, data, out)}.")

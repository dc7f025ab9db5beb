"""`kzoo explore`: shows a model at work in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import Refusal, require
from kzoo.cli.arguments import Imports, check_run_or_model, import_own_models
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import say
from kzoo.user_modules import request_modules


def explore(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME [NAME]",
            help="Folder of a run, its name under saved_models/, a .keras file, or name of a model; two are shown side "
            "by side.",
        ),
    ],
    data: Annotated[
        list[str],
        typer.Option(
            help="Image, .npy file or folder to take inputs from; repeatable, for several inputs one for each. "
            "Default: test data."
        ),
    ] = [],  # noqa: B006
    port: Annotated[int, typer.Option(help="Port of the page; default: a free one.", min=0, max=65535)] = 0,
    host: Annotated[str, typer.Option(help="Address to listen at; by default only this machine can connect.")] = (
        "127.0.0.1"
    ),
    out: Annotated[
        str | None,
        typer.Option(help="Folder to write instead: the page with recorded examples, for any web server."),
    ] = None,
    imports: Imports = [],  # noqa: B006
) -> None:
    """Show a model at work on a page in the browser, until Ctrl-C.

    Two models are shown side by side on the same input. The page shows their predictions and the maps of all layers
    while an input is drawn, uploaded or moved, and what each cell of a map depends on. Its address, with a token that
    opens it, is printed.

    With --out nothing is served; the page is written with recorded examples, as files that need no model.

    Example: kzoo explore mnist1d_cnn mnist1d_tiled --port 8000
    """
    require(len(names) < 3, "explore", "one name or two", names=names)
    request_modules(imports)
    import_own_models()
    for name in names:
        if Path(name).suffix != ".keras":
            check_run_or_model(name)
    if out is not None:
        import_tensorflow()
        from kzoo.explore.site import record

        say(record(names, out, data))
        return
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise Refusal("explore needs Starlette and uvicorn: pip install 'kzoo[explore]'.") from None
    import_tensorflow()
    from kzoo.explore.comparison import open_sessions
    from kzoo.explore.server import serve

    serve(open_sessions(names, data), host, port)

"""`kzoo predict`: predicts the classes of files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kzoo.cli.arguments import Imports, Json
from kzoo.cli.debugging import import_tensorflow
from kzoo.terminal import print_table
from kzoo.user_modules import request_modules


def predict(
    model: Annotated[
        str, typer.Argument(help="Folder of a run, its name under saved_models/, or path of an exported model.")
    ],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Images, .npy arrays, or folders of them.")],
    top: Annotated[int, typer.Option(help="Number of classes to show for each example.", min=1)] = 3,
    out: Annotated[str | None, typer.Option(help="Path of an .npy file to write all outputs to.")] = None,
    maps: Annotated[
        str | None,
        typer.Option(help="Folder for label maps: NAME.npy with class numbers, NAME.png in colours, NAME_overlay.png."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of --out and --maps.")] = False,
    as_json: Json = False,
    imports: Imports = [],  # noqa: B006
) -> None:
    """Predict the classes of images and arrays, or of each pixel.

    The model is that of a finished run, or an exported one, which its own runtime runs. Of a segmentation model the
    shares of the classes are printed, and --maps writes the label maps.

    Example: kzoo predict exports/mnist1d_cnn/model.onnx signals.npy --top 1
    """
    request_modules(imports)
    if not Path(model).exists() and Path(model).suffix != ".keras":
        from kzoo.run_folder import find_run

        find_run(model)
    import_tensorflow()
    from kzoo.export.predict import predictions_table
    from kzoo.training.model_lookup import predict_files

    records = predict_files(model, files, top, out, overwrite, maps)
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        print_table(predictions_table(records))

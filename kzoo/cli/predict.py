"""`kzoo predict`: predicts the classes of files."""

from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import Refusal, require
from kzoo.cli.arguments import Imports, Json
from kzoo.cli.debugging import import_tensorflow
from kzoo.user_modules import request_modules


def predict(
    model: Annotated[
        str, typer.Argument(help="Folder of a run, its name under saved_models/, or path of an exported model.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Images, .npy and .npz arrays, folders of them, patterns such as 'scans/**/*.png', or - for a list of "
            "files on standard input, one a line or separated by NUL.",
        ),
    ],
    top: Annotated[int, typer.Option(help="Number of classes to show for each example.", min=1)] = 3,
    format: Annotated[
        str | None, typer.Option(help="table, csv, jsonl (a line for each example) or json; default: table.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="File to write instead: .csv, .jsonl or .json; or an .npy file for all outputs, as well."),
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(
            help="Folder for label maps: NAME.npy and NAME.png with class numbers, the latter as a palette of colours, "
            "and NAME_overlay.png."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of --out and --maps.")] = False,
    as_json: Json = False,
    imports: Imports = [],  # noqa: B006
) -> None:
    """Predict the classes of images and arrays, or of each pixel.

    The model is that of a finished run, or an exported one, which its own runtime runs. Of a segmentation model the
    shares of the classes are printed, and --maps writes the label maps. Files that cannot be read are reported and
    left out; the exit code is then 1.

    Example: kzoo predict exports/mnist1d_cnn/model.onnx signals.npy --top 1
    Example: find scans -name '*.png' | kzoo predict nielsen_3 - --format csv > digits.csv
    """
    request_modules(imports)
    if not Path(model).exists():
        from kzoo.run_folder import find_run

        if Path(model).suffix == ".keras":
            raise Refusal(f"no file {model}.")
        find_run(model)
    from kzoo.export.record_writers import check_target

    require(not as_json or format in (None, "json"), "predict", "--json or --format", format=format)
    target = check_target(out, "json" if as_json else format, overwrite)
    import_tensorflow()
    from kzoo.data.file_arguments import list_files
    from kzoo.training.predict_files import predict_files

    found = list_files("predict", files, leave_out=[path for path in (out, maps) if path is not None])
    if predict_files(model, found, target, top, maps, overwrite):
        raise typer.Exit(1)

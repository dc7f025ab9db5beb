"""`kzoo export`: exports a run or a model."""

from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import Refusal, require
from kzoo.cli.arguments import Imports, import_own_models
from kzoo.cli.debugging import import_tensorflow
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import check_writable
from kzoo.terminal import print_table, say
from kzoo.user_modules import request_modules


def export(
    name: Annotated[
        str | None, typer.Argument(help="Folder of a run, its name under saved_models/, or name of a model.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", metavar="NAME,...", help=f"Formats, among {', '.join(FORMATS)}.")
    ] = "saved_model",
    out: Annotated[str | None, typer.Option(help="Folder to write; default: exports/NAME.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    batch: Annotated[int | None, typer.Option(help="Fixed number of examples in a batch; default: any.", min=1)] = None,
    size: Annotated[
        str | None, typer.Option(metavar="H,W", help="Fixed size of inputs whose size is unknown; default: any.")
    ] = None,
    integer: Annotated[
        bool, typer.Option("--integer", help="Give litert_int8 inputs and outputs of int8 instead of float32.")
    ] = False,
    serving: Annotated[
        bool, typer.Option("--serving", help="Write the SavedModel to OUT/1/, as TensorFlow Serving expects.")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Verify all models in all formats instead; takes hours.")
    ] = False,
    results: Annotated[str, typer.Option(help="File for the results of --matrix.")] = "results/exports/matrix.json",
    imports: Imports = [],  # noqa: B006
) -> None:
    """Export a run or a model to formats that run without kzoo.

    A model of the zoo has its initial weights. Each file is verified in its own runtime before it is written to OUT.

    Example: kzoo export mnist1d_cnn --format onnx,litert
    """
    request_modules(imports)
    names = formats.split(",")
    for format in names:
        find_format(format)
    if matrix:
        check_writable(results, "--results")
        import_tensorflow()
        from kzoo.export.matrix import run_matrix

        run_matrix(results, name or "*", names)
        return
    if name is None:
        raise Refusal("export expects the name of a run or model, or --matrix.")
    numbers = None if size is None else size.split(",")
    valid = numbers is None or all(number.isdecimal() and 0 < int(number) < 2**31 for number in numbers)
    require(valid, "export --size", "integers above 0 such as 64,64", size=size)
    sides = None if numbers is None else [int(number) for number in numbers]
    import_own_models()
    from kzoo.run_folder import find_run_or_model

    find_run_or_model(name)
    import_tensorflow()
    from kzoo.export.export_folder import export_table, write_export_folder
    from kzoo.training.model_lookup import find_exportable

    found = find_exportable(name)
    folder = Path("exports", Path(name).name) if out is None else Path(out)
    model, origin, data, run_results = found
    reports = write_export_folder(
        model, folder, names, origin, run_results, overwrite, serving, say, batch, sides, integer, **data
    )
    print_table(export_table(str(folder), reports))
    say(f"{origin}.")
    say(f"Written to {folder}/; its README.md has the code that runs each file.")

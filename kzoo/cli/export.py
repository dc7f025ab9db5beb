"""`kzoo export`: exports a run, a model of the zoo or a .keras file."""

from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import Refusal, require
from kzoo.cli.arguments import Imports, check_run_or_model, import_own_models
from kzoo.cli.debugging import import_tensorflow
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import check_writable
from kzoo.index import check_model, known_models
from kzoo.terminal import print_table, say
from kzoo.user_modules import request_modules


def export(
    name: Annotated[
        str | None,
        typer.Argument(help="Folder of a run, its name under saved_models/, name of a model, or a .keras file."),
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", "--formats", metavar="NAME,...", help=f"Formats, among {', '.join(FORMATS)}.")
    ] = "saved_model",
    weights: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Weights of the model, as `kzoo show` prints them; default: initial ones."),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(metavar="FILE.npz", help="Inputs to verify a model or .keras file on, and to calibrate 8 bits."),
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder to write; default: exports/NAME.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export, with all of its formats.")
    ] = False,
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
    """Export a model or run to formats that run without kzoo.

    A model of the zoo has its initial weights, unless --weights names others. Each file is verified in its own runtime
    before it is written to OUT. Formats that an earlier export of the same model has written there stay.

    Example: kzoo export mnist1d_cnn --weights mnist1d --format onnx,litert
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
        raise Refusal("export expects the name of a run or model, a .keras file, or --matrix.")
    numbers = None if size is None else size.split(",")
    valid = numbers is None or all(number.isdecimal() and 0 < int(number) < 2**31 for number in numbers)
    require(valid, "export --size", "integers above 0 such as 64,64", size=size)
    sides = None if numbers is None else [int(number) for number in numbers]
    import_own_models()
    if weights is not None:
        check_model(name)
    else:
        check_run_or_model(name)
    import_tensorflow()
    from kzoo.export.export_folder import difference_notes, export_table, write_export_folder
    from kzoo.export.model_card import UNTRAINED
    from kzoo.training.model_lookup import find_exportable

    found = find_exportable(name, weights, inputs)
    folder = Path("exports", Path(name).name.removesuffix(".keras")) if out is None else Path(out)
    model, origin, data, run_results, trained, tasks = found
    sizes = (batch, sides, integer)
    reports = write_export_folder(
        model, folder, names, origin, run_results, overwrite, serving, say, *sizes, trained, tasks, **data
    )
    print_table(export_table(str(folder), reports))
    if trained is False:
        tags = known_models()[name]["weights"]
        typer.echo(UNTRAINED + (f" Trained ones: --weights {' or '.join(tags)}." if tags else ""))
    for note in difference_notes(reports):
        say(note)
    say(f"{origin}.")
    say(f"Written to {folder}/; its README.md has the code that runs each file.")

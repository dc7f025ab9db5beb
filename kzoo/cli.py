"""The command line: reads arguments, calls the library and prints; contains no arithmetic.

Each command imports what it needs after its arguments are checked: TensorFlow takes seconds to import.
"""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from kzoo.checks import Refusal, one_line, require
from kzoo.export.registry import FORMATS, find_format
from kzoo.files import check_writable, disk_error, write_atomically
from kzoo.interrupts import INTERRUPTED, INTERRUPTS, how_to_resume, interrupted_line
from kzoo.memory import describe_out_of_memory, is_out_of_memory
from kzoo.standard_streams import flush_streams

app = typer.Typer(
    help="Layers and classical ConvNets for Keras 3: train, evaluate and export them from YAML configs.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
FAULT, MISUSE = 1, 2  # exit codes
DEBUG = "KZOO_DEBUG"

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


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


@app.command()
def train(
    config: Config = "mnist1d_cnn",
    run: RunName = None,
    out: Out = "saved_models",
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build everything and train one step on random data; write nothing.")
    ] = False,
    results: Annotated[str | None, typer.Option(help="Folder for a copy of metrics.json, named after the run.")] = None,
    allow_outside: AllowOutside = False,
    sets: Sets = [],  # noqa: B006 (typer's way)
) -> None:
    """Train a config, then evaluate and export the model.

    The exported files are verified. The same command resumes an interrupted run.

    Example: kzoo train mnist1d_cnn --set training.epochs=10 --run short
    """
    settings, name = _read_config(config, sets, allow_outside), run if run is not None else _name_of(config)
    copy = Path(results, f"{name}.json") if results and not dry_run else None
    if copy:
        check_writable(copy, "--results")
    _import_tensorflow()
    if dry_run:
        from kzoo.training.dry_run import dry_run as run_dry

        typer.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in run_dry(settings).items()))
        return
    from kzoo.training import run as runs

    folder, metrics = runs.run(settings, name, out, overwrite)
    runs.print_finished(name, folder, metrics)
    if copy:
        write_atomically(copy, json.dumps(metrics, indent=2) + "\n")


@app.command()
def tune(
    config: Annotated[str, typer.Argument(help="Path or name of a config; with --report, folder or name of a run.")],
    run: Annotated[
        str | None, typer.Option(help="Name of the run; default: the config's name followed by _search.")
    ] = None,
    out: Out = "saved_models",
    overwrite: Overwrite = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that run trials, each with its share of the CPU cores; default: 1."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Only print and plot the trials of an earlier search again.")
    ] = False,
    results: Annotated[str | None, typer.Option(help="Folder for copies of trials.csv, plots and results.")] = None,
    allow_outside: AllowOutside = False,
    sets: Sets = [],  # noqa: B006 (typer's way)
) -> None:
    """Search for the best settings, then train with them.

    The config's part `search` says which settings to try. The same command resumes an interrupted search. Workers on
    several machines: docs/searches.md.

    Example: kzoo tune mnist1d_cnn --set search.trials=6 --workers 2
    """
    if report:
        _import_tensorflow()
        from kzoo.tuning.report import rebuild_report

        rebuild_report(config)
        return
    settings = _read_config(config, sets, allow_outside)
    name = run if run is not None else f"{_name_of(config)}_search"
    _check_searched_settings(settings)
    if results:
        check_writable(Path(results, name), "--results")
    _import_tensorflow()
    from kzoo.training.run import print_finished
    from kzoo.tuning.report import copy_report
    from kzoo.tuning.search import search

    done = search(settings, name, out, overwrite, workers)
    if done is not None:  # None: this process was a worker of another process's search
        print_finished(name, *done)
        if results:
            copy_report(done[0], Path(results, name))


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="Shell pattern of names, such as 'nielsen*'.")] = "*",
    family: Annotated[str | None, typer.Option(help="Only models of this family, such as resnet.")] = None,
    as_json: Json = False,
) -> None:
    """List the models with their sizes, test errors and sources."""
    from kzoo.index import find_models
    from kzoo.listing import models_table
    from kzoo.training.results import recorded_results

    found, configs = find_models(pattern, family), recorded_results()
    found = [{**model, "configs": configs.get(model["name"], [])} for model in found]
    if as_json:
        for model in found:
            del model["settings"]  # only names; `kzoo show` prints the values too
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(models_table(found))


@app.command()
def layers(
    pattern: Annotated[str, typer.Argument(help="Part of a name, or a shell pattern: pool, 'Conv*'.")] = "*",
) -> None:
    """List the layers: name, dimensions, what each does, source."""
    from kzoo.index import find_layers
    from kzoo.listing import layers_table

    _print(layers_table(find_layers(pattern)))
    typer.echo("Keras has transposed, depthwise and separable convolution, upsampling, average and max pooling.")


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of a model, as `kzoo list` prints it.")]) -> None:
    """Show a model's layers, receptive fields, settings and source."""
    from shutil import get_terminal_size

    from kzoo.index import check_model
    from kzoo.terminal import stdout
    from kzoo.user_cache import cached_text

    check_model(name)
    console = stdout()

    def render() -> str:
        _import_tensorflow()
        from kzoo.analysis.catalogue import model_text

        return model_text(name, console)

    layout = f"{get_terminal_size().columns}-{console.width}-{console.color_system}"
    typer.echo(cached_text("show", f"{name}-{layout}", render), nl=False)


@app.command()
def evaluate(run: Run) -> None:
    """Evaluate a finished run again on its own data."""
    from kzoo.run_folder import find_run

    find_run(run)
    _import_tensorflow()
    from kzoo.training.evaluation import evaluate_run

    _print(evaluate_run(run))


@app.command()
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
) -> None:
    """Predict the classes of images and arrays, or of each pixel.

    The model is that of a finished run, or an exported one, which its own runtime runs. Of a segmentation model the
    shares of the classes are printed, and --maps writes the label maps.

    Example: kzoo predict exports/mnist1d_cnn/model.onnx signals.npy --top 1
    """
    if not Path(model).exists() and Path(model).suffix != ".keras":
        from kzoo.run_folder import find_run

        find_run(model)
    _import_tensorflow()
    from kzoo.export.predict import predictions_table
    from kzoo.training.model_lookup import predict_files

    records = predict_files(model, files, top, out, overwrite, maps)
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        _print(predictions_table(records))


@app.command()
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
) -> None:
    """Draw what a model computes, sees and looks for.

    A page explains each picture: kernels, maps and receptive fields, what activates a unit and what it looks for,
    where the class is in the input, and what moves when the input moves.

    Example: kzoo look mnist1d_cnn --layer stage2 --unit 3
    """
    from kzoo.run_folder import find_run_or_model

    find_run_or_model(name)
    _import_tensorflow()
    from kzoo.terminal import say
    from kzoo.training.look import look as draw

    say(f"Written to {draw(name, layer, unit, example, data, out)}.")


@app.command()
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
) -> None:
    """Show a model at work on a page in the browser, until Ctrl-C.

    Two models are shown side by side on the same input. The page shows their predictions and the maps of all layers
    while an input is drawn, uploaded or moved, and what each cell of a map depends on. Its address, with a token that
    opens it, is printed.

    With --out nothing is served; the page is written with recorded examples, as files that need no model.

    Example: kzoo explore mnist1d_cnn mnist1d_tiled --port 8000
    """
    require(len(names) < 3, "explore", "one name or two", names=names)
    for name in names:
        if Path(name).suffix != ".keras":
            from kzoo.run_folder import find_run_or_model

            find_run_or_model(name)
    if out is not None:
        _import_tensorflow()
        from kzoo.explore.site import record
        from kzoo.terminal import say

        say(record(names, out, data))
        return
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise Refusal("explore needs Starlette and uvicorn: pip install 'kzoo[explore]'.") from None
    _import_tensorflow()
    from kzoo.explore.comparison import open_sessions
    from kzoo.explore.server import serve

    serve(open_sessions(names, data), host, port)


@app.command()
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
) -> None:
    """Export a run or a model to formats that run without kzoo.

    A model of the zoo has its initial weights. Each file is verified in its own runtime before it is written to OUT.

    Example: kzoo export mnist1d_cnn --format onnx,litert
    """
    names = formats.split(",")
    for format in names:
        find_format(format)
    if matrix:
        check_writable(results, "--results")
        _import_tensorflow()
        from kzoo.export.matrix import run_matrix

        run_matrix(results, name or "*", names)
        return
    if name is None:
        raise Refusal("export expects the name of a run or model, or --matrix.")
    numbers = None if size is None else size.split(",")
    valid = numbers is None or all(number.isdecimal() and 0 < int(number) < 2**31 for number in numbers)
    require(valid, "export --size", "integers above 0 such as 64,64", size=size)
    sides = None if numbers is None else [int(number) for number in numbers]
    from kzoo.run_folder import find_run_or_model

    find_run_or_model(name)
    _import_tensorflow()
    from kzoo.export.export_folder import export_table, write_export_folder
    from kzoo.terminal import say
    from kzoo.training.model_lookup import find_exportable

    found = find_exportable(name)
    folder = Path("exports", Path(name).name) if out is None else Path(out)
    model, origin, data, run_results = found
    reports = write_export_folder(
        model, folder, names, origin, run_results, overwrite, serving, say, batch, sides, integer, **data
    )
    _print(export_table(str(folder), reports))
    say(f"{origin}.")
    say(f"Written to {folder}/; its README.md has the code that runs each file.")


@app.command()
def doctor() -> None:
    """Check versions, devices and one XLA-compiled op."""
    with contextlib.suppress(ImportError):  # the table names it
        _import_tensorflow()
    from kzoo.analysis.doctor import checks

    table, healthy = checks()
    _print(table)
    if not healthy:
        raise Refusal("something above failed.")


def _read_config(config: str, sets: list[str], allow_outside: bool) -> Any:
    """Returns the checked config; the model's name and settings are checked here too, without importing TensorFlow."""
    from kzoo.index import check_model
    from kzoo.training.callback_paths import ALLOW_OUTSIDE
    from kzoo.training.config import read_config

    if allow_outside:
        os.environ[ALLOW_OUTSIDE] = "1"  # in child processes too
    settings = read_config(config, sets)
    check_model(settings.model.name, settings.model.settings)
    return settings


def _check_searched_settings(settings: Any) -> None:
    from kzoo.index import check_model

    paths = [path.split(".") for path in (settings.search.space if settings.search else ())]
    check_model(settings.model.name, [key for part, key, *_ in paths if part == "model"])


def _name_of(config: str) -> str:
    from kzoo.training.config import config_path

    return config_path(config).stem


def _import_tensorflow() -> None:
    from kzoo.tensorflow_import import import_tensorflow_quietly

    import_tensorflow_quietly()
    if _debugging():
        import keras

        keras.config.disable_traceback_filtering()


def _print(table: Any) -> None:
    from kzoo.terminal import print_table

    print_table(table)


def _debugging() -> bool:
    return os.environ.get(DEBUG, "0") not in ("", "0")


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits: a user's mistake is one line and exit code 2, a fault a few lines and 1.

    An interruption is one line too; the exit code is 128 plus the number of the signal.
    """
    command = sys.argv[1:] if args is None else list(args)
    text, code = "", 0
    raised: Exception | None = None
    try:
        ended = app(args=command or ["--help"], prog_name="kzoo", standalone_mode=False)
        sys.stdout.flush()
        code = ended if isinstance(ended, int) else 0
    except KeyboardInterrupt:  # typer itself returns INTERRUPTED
        code = INTERRUPTED
    except (typer.TyperException, Refusal, OSError) as error:
        text, code, raised = f"kzoo: {one_line(_message(error))}", MISUSE, error
    except Exception as error:
        text, code, raised = "", FAULT, error
        if disk_error(error) is not None:
            text, code = f"kzoo: {one_line(error)}", MISUSE
        elif is_out_of_memory(error):
            text, code = f"kzoo: {describe_out_of_memory(error)}", MISUSE
    INTERRUPTS.finishing = True
    if code == INTERRUPTED or INTERRUPTS.exit_code:  # a library may have made another exception of it
        text, code, raised = interrupted_line(command), INTERRUPTS.exit_code or INTERRUPTED, None
    elif code == FAULT and raised:
        from kzoo.fault_report import describe_fault

        text = "\n".join([f"kzoo: {describe_fault(raised, command)}", *how_to_resume(command)])
    _exit_with(text, code, raised)


def _message(error: Exception) -> str:
    return error.format_message() if isinstance(error, typer.TyperException) else str(error)


def _exit_with(text: str, code: int, error: Exception | None = None) -> NoReturn:
    with contextlib.suppress(OSError):  # of a full disk: the exit code still says it
        if error is not None and _debugging():
            traceback.print_exception(error)
        if text:
            print(text, file=sys.stderr)
    flush_streams()
    sys.exit(code)

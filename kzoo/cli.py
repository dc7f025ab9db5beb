"""The command line: reads arguments, calls the library, prints; contains no arithmetic.

Source: none.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kzoo.checks import Refusal

app = typer.Typer(
    help="Layers and classical ConvNets for Keras 3: train, evaluate and export them from YAML configs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
INTERRUPTED = 130  # what typer makes of Ctrl-C
Config = Annotated[str, typer.Argument(help="A config's file, or the name of one that kzoo ships.")]
Run = Annotated[str, typer.Argument(help="A run's folder, or its name under saved_models/.")]
Sets = Annotated[list[str], typer.Option("--set", metavar="PART.KEY=VALUE", help="Change a setting; may be repeated.")]


@app.command()
def train(
    config: Config = "mnist1d_cnn",
    run: Annotated[str | None, typer.Option(help="Name of the run; default: the config's name.")] = None,
    out: Annotated[str, typer.Option(help="Folder that holds runs.")] = "saved_models",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished or interrupted run.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build all and take one step on mock data.")] = False,
    results: Annotated[str | None, typer.Option(help="Folder to copy metrics.json to, as NAME.json.")] = None,
    sets: Sets = [],  # noqa: B006 (typer's way)
):
    """Train a config, evaluate, export and check the SavedModel; an interrupted run is gone on with.

    Example: kzoo train mnist1d_cnn --set training.epochs=10 --run short
    """
    from kzoo.training.config import config_path, read_config

    settings, name = read_config(config, sets), config_path(config).stem if run is None else run
    if dry_run:
        from kzoo.training import seed_run

        typer.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in seed_run.dry_run(settings).items()))
        return
    from kzoo.training import run as runs

    folder, metrics = runs.run(settings, name, out, overwrite)
    runs.finished(name, folder, metrics)
    if results:
        Path(results).mkdir(parents=True, exist_ok=True)
        Path(results, f"{name}.json").write_text(json.dumps(metrics, indent=2) + "\n")


@app.command()
def tune(
    config: Annotated[str, typer.Argument(help="A config's file or name; with --report, a run's folder or name.")],
    run: Annotated[str | None, typer.Option(help="Name of the run; default: the config's name and _search.")] = None,
    out: Annotated[str, typer.Option(help="Folder that holds runs.")] = "saved_models",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished or interrupted run.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that run trials, each with its share of the cores; default: 1.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Only print and plot the trials of a search again.")] = False,
    results: Annotated[str | None, typer.Option(help="Folder to copy trials.csv, plots and figures to.")] = None,
    sets: Sets = [],  # noqa: B006 (typer's way)
):
    """Search the space in a config's `search` part, then train, evaluate and export the best setting.

    Killed or interrupted, the same command goes on from the last period of the trials it was in. Workers on several
    machines: docs/searches.md.
    Example: kzoo tune mnist1d_cnn --set search.trials=6 --workers 2
    """
    if report:
        from kzoo.tuning.report import rebuild

        rebuild(config)
        return
    from kzoo.training.config import config_path, read_config
    from kzoo.training.run import finished
    from kzoo.tuning.report import keep
    from kzoo.tuning.search import search

    name = f"{config_path(config).stem}_search" if run is None else run
    done = search(read_config(config, sets), name, out, overwrite, workers)
    if done is not None:  # a worker of another process's search has nothing to show
        finished(name, *done)
        if results:
            keep(done[0], Path(results, name))


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="A shell pattern such as 'nielsen*'.")] = "*",
    family: Annotated[str | None, typer.Option(help="Models of this family only, such as resnet.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all that is known.")] = False,
):
    """List the models of the zoo: name, input, parameters, operations, figures of test error, config, source."""
    from kzoo.analysis.catalogue import models, models_table
    from kzoo.training.results import figures

    found = models(pattern, family, figures())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(models_table(found))


@app.command()
def layers(pattern: Annotated[str, typer.Argument(help="Part of a name, or a shell pattern: pool, 'Conv*'.")] = "*"):
    """List the layers: name, dimensions, what it does, source."""
    from kzoo.analysis.catalogue import layers_table

    _print(layers_table(pattern))
    typer.echo("Keras has transposed, depthwise and separable convolution, upsampling, average and max pooling.")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model's name, as `kzoo list` prints it.")]):
    """Show one model: its layers, the receptive fields of its stages, its settings and source."""
    from kzoo.analysis.catalogue import settings_table, sketch, stages_table
    from kzoo.models.registry import describe

    net, known = sketch(name), describe(name)
    typer.echo(f"{name}: {known['doc'].splitlines()[0]}\n")
    net.summary(print_fn=lambda text, line_break=None: typer.echo(text))
    _print(stages_table(net))
    _print(settings_table(known))
    typer.echo(f"Weights: {', '.join(known['weights']) or 'none trained'}")
    typer.echo(f"Source: {known['source']}")


@app.command()
def evaluate(run: Run):
    """Evaluate a finished run's model again on its own data."""
    from kzoo.training.evaluation import evaluate_run

    _print(evaluate_run(run))


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="A run's folder or name under saved_models/, or an exported model.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Images, .npy arrays, folders of them.")],
    top: Annotated[int, typer.Option(help="Classes to show for each example.", min=1)] = 3,
    out: Annotated[str | None, typer.Option(help="Write all outputs to this .npy file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
):
    """Predict the classes of examples with a finished run, or with an exported model by its own runtime.

    Example: kzoo predict exports/mnist1d_cnn/model.onnx signals.npy --top 1
    """
    from kzoo.export.predict import table
    from kzoo.training.model_lookup import predict_files

    records = predict_files(model, files, top, out)
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        _print(table(records))


@app.command()
def export(
    name: Annotated[
        str | None, typer.Argument(help="A run's folder or name under saved_models/, or a model of the zoo.")
    ] = None,
    formats: Annotated[
        str,
        typer.Option("--format", metavar="NAME,...", help="saved_model, onnx, litert, litert_int8, openvino."),
    ] = "saved_model",
    out: Annotated[str | None, typer.Option(help="Folder to write; default: exports/NAME.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export.")] = False,
    serving: Annotated[bool, typer.Option("--serving", help="SavedModel in OUT/1/, for TensorFlow Serving.")] = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="Try all models and formats instead; takes hours.")] = False,
    results: Annotated[str, typer.Option(help="File of what --matrix found.")] = "results/exports/matrix.json",
):
    """Export a run, or a model of the zoo with its initial weights, to formats that run without kzoo.

    Each is run by its own runtime before it is put in place. Example: kzoo export mnist1d_cnn --format onnx,litert
    """
    if matrix:
        from kzoo.export.matrix import run_matrix

        run_matrix(results, name or "*", formats.split(","))
        return
    if name is None:
        raise Refusal("export expects the name of a run or model, or --matrix.")
    from kzoo.export.export_folder import export_all, table
    from kzoo.training.model_lookup import find_net
    from kzoo.training.report import say

    found = find_net(name)
    folder = Path("exports", Path(name).name) if out is None else Path(out)
    names, figures = formats.split(","), found.figures
    reports = export_all(found.net, folder, names, found.what, figures, overwrite, serving, say, **found.more)
    _print(table(str(folder), reports))
    say(f"{found.what}.")
    say(f"Written to {folder}/, with the lines that run it in README.md.")


@app.command()
def doctor():
    """Check this installation: versions, devices, and one XLA-compiled op."""
    from kzoo.analysis.doctor import checks

    table, healthy = checks()
    _print(table)
    if not healthy:
        raise Refusal("something above failed.")


def _print(table):
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    console.print(table)


def main(args=None):
    """Run the command line: a user's mistake is one line and exit code 2."""
    try:
        code = app(args=args, prog_name="kzoo", standalone_mode=False)
    except (typer.TyperException, Refusal, OSError) as error:
        _fail(error.format_message() if hasattr(error, "format_message") else str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        _fail("interrupted; the same command goes on from the last period.", code)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text, code):
    print("kzoo: " + " ".join(text.split()), file=sys.stderr)
    sys.exit(code)

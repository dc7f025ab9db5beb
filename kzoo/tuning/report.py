"""What a person sees of a search: a table of its trials, the same as CSV, and two plots.

Source: none.
"""

import csv
import io
import shutil
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from kzoo.checks import Refusal
from kzoo.files import write_atomically
from kzoo.training.config import check_config
from kzoo.training.report import figure
from kzoo.training.run import RESULT
from kzoo.training.yaml_file import read_yaml
from kzoo.tuning.trial import read_record

KEPT = ("trials.csv", "trials.png", "settings.png", "metrics.json", "search.yaml")


def best_of(records, search):
    """The record of the best trial, the first of equals; None if all failed."""
    done = [record for record in records if record["objective"] is not None]
    sign = -1 if search.maximize else 1
    return min(done, key=lambda record: sign * record["objective"], default=None)


def rebuild(run):
    """Report anew on a finished or interrupted search: a run's folder, or its name under `saved_models/`.

    Errors: Refusal if there is none, or if a trial's file is damaged.
    """
    places = [Path(run), Path("saved_models") / run]
    places = [place for whole in places for place in (whole, whole.with_name(f".{whole.name}.partial"))]
    folder = next((place for place in places if (place / "search.yaml").is_file()), None)
    if folder is None:
        raise Refusal(f"no search at {places[0]} or {places[2]}: search.yaml is missing.")
    report(check_config(read_yaml(folder / "search.yaml"), folder / "search.yaml"), folder, Path(run).name)


def keep(folder, target):
    """Copy what tells a finished search, without its models, from its folder to another."""
    target.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copyfile(folder / file, target / file)


def report(config, folder, name):
    """Write trials.csv, trials.png and settings.png from the trials in `folder`, and print the table."""
    search = config.search
    records = [read_record(file.parent) for file in sorted(folder.glob(f"trials/*/{RESULT}"))]
    write_csv(records, search, folder / "trials.csv")
    if best_of(records, search):
        plot_trials(records, search, name, folder / "trials.png")
        plot_settings(records, search, name, folder / "settings.png")
    Console(width=None if sys.stdout.isatty() else 160, markup=False).print(trials_table(records, search, name))


def write_csv(records, search, path):
    """trials.csv: a row a trial; a setting that was not in force is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "status", search.objective, "parameters", "epochs", "seconds", *search.space, "reason"])
    for record in records:
        values = [record["values"].get(path, "") for path in search.space]
        known = [record[key] for key in ("objective", "parameters", "epochs", "seconds")]
        writer.writerow([record["trial"], record["status"], *known, *values, record["reason"]])
    write_atomically(path, text.getvalue())


def trials_table(records, search, title):
    """The trials as a table, the best one marked."""
    short, best = short_names(search.space), best_of(records, search)
    table = Table(title=title, title_justify="left")
    for column in ("trial", search.objective, "parameters", "epochs", "seconds"):
        table.add_column(column, justify="right")
    for path in search.space:
        table.add_column(short[path])
    table.add_column("")
    for record in records:
        value, size = record["objective"], record["parameters"]
        figures = ["-" if value is None else f"{value:.4f}", "-" if size is None else f"{size:,}"]
        epochs = "-" if record["epochs"] is None else str(record["epochs"])
        note = "best" if record is best else record["reason"] or ""
        values = [_text(record["values"].get(path, "")) for path in search.space]
        table.add_row(str(record["trial"]), *figures, epochs, f"{record['seconds']:.0f}", *values, note)
    return table


def short_names(paths):
    """The last part of each path, or as many as tell it from the others.

    >>> short_names(["model.filters", "training.epochs", "data.augment.epochs"])
    {'model.filters': 'filters', 'training.epochs': 'training.epochs', 'data.augment.epochs': 'augment.epochs'}
    """
    short = {}
    for path in paths:
        parts = path.split(".")
        for size in range(1, len(parts) + 1):
            short[path] = ".".join(parts[-size:])
            if all(other == path or other.split(".")[-size:] != parts[-size:] for other in paths):
                break
    return short


def plot_trials(records, search, title, path):
    """The objective over the trials, and the best so far."""
    done = [record for record in records if record["objective"] is not None]
    numbers, values = [record["trial"] for record in done], [record["objective"] for record in done]
    sheet = figure(6, 3.6)
    axes = sheet.subplots()
    axes.plot(numbers, values, "o", label="trial (0: the config's own setting)")
    best = np.maximum.accumulate(values) if search.maximize else np.minimum.accumulate(values)
    axes.step(numbers, best, where="post", label="best so far")
    failed = [record["trial"] for record in records if record["objective"] is None]
    axes.plot(failed, [np.min(values)] * len(failed), "x", color="black", label="failed") if failed else None
    axes.set(xlabel="trial", ylabel=search.objective)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    axes.legend()
    sheet.savefig(path)


def plot_settings(records, search, title, path):
    """The objective against each setting: numbers on their own scale, other values side by side."""
    done = [record for record in records if record["objective"] is not None]
    columns = min(3, len(search.space))
    lines = -(-len(search.space) // columns)
    sheet = figure(3.4 * columns, 0.4 + 2.8 * lines)
    grid, short = sheet.subplots(lines, columns, squeeze=False, sharey=True).flat, short_names(search.space)
    for axes, (at, entry) in zip(grid, search.space.items()):
        found = [(record["values"][at], record["objective"]) for record in done if at in record["values"]]
        if "choice" in entry or "boolean" in entry:
            texts = [_text(value) for value in (entry.get("choice") or [False, True])]
            texts += dict.fromkeys(_text(value) for value, _ in found if _text(value) not in texts)
            axes.plot([texts.index(_text(value)) for value, _ in found], [y for _, y in found], "o")
            axes.set_xticks(range(len(texts)), texts)
        else:
            numbers = [(x, y) for x, y in found if isinstance(x, (int, float))]
            axes.plot([x for x, _ in numbers], [y for _, y in numbers], "o")
            axes.set_xscale("log" if "log" in entry else "linear")
            axes.tick_params(axis="x", which="minor", labelbottom=False)
            if "int" in entry:
                axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(short[at])
        axes.grid(alpha=0.3)
    for axes in list(sheet.axes)[len(search.space) :]:
        axes.set_axis_off()
    sheet.axes[0].set_ylabel(search.objective)
    sheet.suptitle(title, parse_math=False)
    sheet.savefig(path)


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""The report of a search: a table of its trials, trials.csv and two plots."""

from pathlib import Path

import numpy as np
from rich.table import Table

from kzoo.checks import Refusal
from kzoo.config.config import check_config
from kzoo.config.yaml_file import read_yaml
from kzoo.figures import figure, log_ticks, save_figure, whole_ticks
from kzoo.files import hidden, write_atomically, write_csv
from kzoo.terminal import print_table
from kzoo.training.extension import SEARCH_FILE
from kzoo.training.run import RESULT
from kzoo.tuning.hparams_board import EVENTS, write_session
from kzoo.tuning.trial import read_result

REPORT_FILES = ("trials.csv", "trials.png", "settings.png", "metrics.json", SEARCH_FILE)


def best_trial(results, search):
    """Returns the result with the best objective, the first of equal ones; None if all trials failed."""
    sign = -1 if search.maximize else 1
    return min(_completed(results), key=lambda result: sign * result["objective"], default=None)


def rebuild_report(run):
    """Writes the report of a finished or interrupted search.

    run: its folder, its name under `saved_models/`, or the config that was searched, whose name it has then.
    Raises Refusal if there is no search, or if a trial's file is damaged.
    """
    of_config = f"{Path(run).name.removesuffix('.yaml')}_search"
    paths = [Path(run), Path("saved_models") / run, Path("saved_models") / of_config]
    for path in paths:
        for folder in (path.resolve(), hidden(path.resolve(), "partial")):
            if (folder / SEARCH_FILE).is_file():
                config = check_config(read_yaml(folder / SEARCH_FILE), folder / SEARCH_FILE)
                return write_report(config, folder, path.resolve().name)
    raise Refusal(f"no search at {paths[0]}, {paths[1]} or {paths[2]}: {SEARCH_FILE} is missing.")


def copy_report(folder, target):
    """Copies the report and the metrics of a finished search from its folder to another."""
    target.mkdir(parents=True, exist_ok=True)
    for file in REPORT_FILES:
        write_atomically(target / file, (folder / file).read_bytes())


def write_report(config, folder, name):
    """Writes trials.csv, trials.png and settings.png from the trials in `folder`, and prints the table."""
    search = config.search
    trials = [file.parent for file in sorted(folder.glob(f"trials/*/{RESULT}"))]
    results = [read_result(trial) for trial in trials]
    for trial, result in zip(trials, results):
        if not any(trial.glob(EVENTS)):  # of an earlier version
            write_session(trial, result, search.objective)
    write_trials(results, search, folder / "trials.csv")
    if best_trial(results, search):
        plot_trials(results, search, name, folder / "trials.png")
        plot_settings(results, search, name, folder / "settings.png")
    print_table(trials_table(results, search, name))


def write_trials(results, search, path):
    """Writes trials.csv: one row per trial; the field of a setting that a trial did not use is empty."""
    columns = ["trial", "status", search.objective, "parameters", "epochs", "seconds", *search.space, "reason"]
    rows = []
    for result in results:
        values = [result["values"].get(path, "") for path in search.space]
        numbers = [result[key] for key in ("objective", "parameters", "epochs", "seconds")]
        rows.append([result["trial"], result["status"], *numbers, *values, result["reason"]])
    write_csv(path, columns, rows)


def trials_table(results, search, title):
    """Returns a table of the trials in which the best one is marked."""
    short, best = short_names(search.space), best_trial(results, search)
    table = Table(title=title, title_justify="left")
    for column in ("trial", search.objective, "parameters", "epochs", "seconds"):
        table.add_column(column, justify="right")
    for path in search.space:
        table.add_column(short[path])
    table.add_column("")
    for result in results:
        value, size = result["objective"], result["parameters"]
        numbers = ["-" if value is None else f"{value:.4f}", "-" if size is None else f"{size:,}"]
        epochs = "-" if result["epochs"] is None else str(result["epochs"])
        note = "best" if result is best else result["reason"] or ""
        values = [_text(result["values"].get(path, "")) for path in search.space]
        table.add_row(str(result["trial"]), *numbers, epochs, f"{result['seconds']:.0f}", *values, note)
    return table


def short_names(paths):
    """Returns {path: its last part, or as many of its last parts as distinguish it from the other paths}.

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


def plot_trials(results, search, title, path):
    """Plots the objective of each trial, and the best so far."""
    completed = _completed(results)
    numbers, values = [result["trial"] for result in completed], [result["objective"] for result in completed]
    plot = figure(6, 3.6)
    axes = plot.subplots()
    axes.plot(numbers, values, "o", label="trial (0: the baseline, the config's own values)")
    best = np.maximum.accumulate(values) if search.maximize else np.minimum.accumulate(values)
    axes.step(numbers, best, where="post", label="best so far")
    failed = [result["trial"] for result in results if result["objective"] is None]
    axes.plot(failed, [np.min(values)] * len(failed), "x", color="black", label="failed") if failed else None
    axes.set(xlabel="trial", ylabel=search.objective)
    whole_ticks(axes.xaxis)
    axes.set_title(title, parse_math=False)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(plot, path)


def plot_settings(results, search, title, path):
    """Plots the objective against each setting: numbers on a linear or log axis, other values as categories."""
    completed = _completed(results)
    columns = min(3, len(search.space))
    rows = -(-len(search.space) // columns)
    plot = figure(3.4 * columns, 0.4 + 2.8 * rows)
    grid, short = plot.subplots(rows, columns, squeeze=False, sharey=True).flat, short_names(search.space)
    for axes, (setting, entry) in zip(grid, search.space.items()):
        points = [(r["values"][setting], r["objective"]) for r in completed if setting in r["values"]]
        if "choice" in entry or "boolean" in entry:
            texts = [_text(value) for value in (entry.get("choice") or [False, True])]
            texts += dict.fromkeys(_text(value) for value, _ in points if _text(value) not in texts)
            axes.plot([texts.index(_text(value)) for value, _ in points], [y for _, y in points], "o")
            axes.set_xticks(range(len(texts)), texts)
            axes.set_xlim(-0.5, len(texts) - 0.5)
        else:
            numbers = [(x, y) for x, y in points if isinstance(x, (int, float))]
            axes.plot([x for x, _ in numbers], [y for _, y in numbers], "o")
            if "log" in entry:
                axes.set_xscale("log")
                log_ticks(axes.xaxis, *entry["log"])
                axes.tick_params(axis="x", labelrotation=30)
            if "int" in entry:
                whole_ticks(axes.xaxis)
        axes.set_xlabel(short[setting])
        axes.grid(alpha=0.3)
    for axes in list(plot.axes)[len(search.space) :]:
        axes.set_axis_off()
    plot.axes[0].set_ylabel(search.objective)
    plot.suptitle(title, parse_math=False)
    save_figure(plot, path)


def _completed(results):
    return [result for result in results if result["objective"] is not None]


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""Compares finished runs by the files in their folders: settings that differ, results over seeds, and curves.

Nothing is loaded but text, so that it takes no time, and runs of earlier versions are compared too.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from kzoo.checks import Refusal, escape, one_line, require, shorten
from kzoo.config.comparison import differing_settings
from kzoo.config.config import check_config, resolved
from kzoo.config.recipe import shortfall
from kzoo.config.yaml_file import read_yaml
from kzoo.figures import figure, log_scale, save_figure, whole_ticks
from kzoo.run_folder import find_seeds
from kzoo.terminal import percent, short_time
from kzoo.training.metrics_file import read_metrics
from kzoo.training.report import SPLITS, extra_metrics
from kzoo.types import PathLike

LONG = 60  # characters of a setting in the table


class FinishedRun(NamedTuple):
    """A run as its files tell it: settings, and of each seed the metrics and the results of each epoch."""

    name: str
    settings: dict[str, Any]
    metrics: list[dict[str, Any]]
    histories: list[list[dict[str, float]]]


def read_run(run: PathLike) -> FinishedRun:
    """Returns a finished run: its folder, its name under saved_models/, or the folder of one of its seeds."""
    folders = find_seeds(run)
    config = folders[0] / "config.yaml"
    settings = resolved(check_config(read_yaml(config), config))
    metrics = [read_metrics(folder / "metrics.json") for folder in folders]
    return FinishedRun(str(run), settings, metrics, [read_history(folder / "history.csv") for folder in folders])


def read_history(file: Path) -> list[dict[str, float]]:
    """Returns the rows of a history.csv without empty fields, none if it is missing. Refuses a damaged file."""
    try:
        with open(file, newline="", encoding="utf-8") as text:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(text)]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, csv.Error) as error:
        raise Refusal(f"compare: {file} is damaged: {one_line(error)}.") from error
    require(all("epoch" in row for row in rows), "compare", "a column epoch", file=str(file))
    return rows


def compare(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    """Returns what differs between runs, as JSON can hold it: {"settings": {path: [value]}, "runs": [results]}.

    Results of several seeds are {"mean", "min", "max", "values"}.
    """
    return {
        "settings": differing_settings([run.settings for run in runs]),
        "runs": [
            {
                "run": run.name,
                "seeds": [each.get("seed") for each in run.metrics],
                "results": _results(run.metrics),
                "parameters": run.metrics[0]["parameters"],
                "epochs": max(each["epochs"] for each in run.metrics),
                "shorter_than_recipe": next(filter(None, map(shortfall, run.metrics)), None),
                **{key: _mean([each[key] for each in run.metrics]) for key in ("seconds", "steps_per_second")},
            }
            for run in runs
        ],
    }


def _results(metrics):
    """Returns {split: {name: results over the seeds}} of the errors, losses and metrics of each split."""
    found: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        scores = [each[split] for each in metrics if each.get(split)]
        names = [name for name in (scores[0] if scores else ()) if all(name in each for each in scores)]
        for name in names:
            found.setdefault(split, {})[name] = _over_seeds([each[name] for each in scores])
    return found


def _over_seeds(values):
    known = [value for value in values if value is not None]
    complete = known if len(known) == len(values) else []
    least, most = min(complete, default=None), max(complete, default=None)
    return {"mean": _mean(complete), "min": least, "max": most, "values": values}


def _mean(values):
    return sum(values) / len(values) if values else None


def comparison_table(comparison: dict[str, Any]) -> Table:
    """Returns a table of `compare`: a column for each run, settings that differ above its results."""
    runs = comparison["runs"]
    table = Table()
    table.add_column("")
    for run in runs:
        table.add_column(escape(run["run"]), justify="right", overflow="fold")
    for path, values in comparison["settings"].items():
        table.add_row(path, *(escape(shorten("-" if value == "unset" else value, LONG)) for value in values))
    table.add_section()
    for split, title in SPLITS.items():
        known: dict[str, Any] = {}
        for run in runs:
            known |= run["results"].get(split, {})
        for name in [*(name for name in ("error", "loss") if name in known), *extra_metrics(known)]:
            cells = [run["results"].get(split, {}).get(name) for run in runs]
            table.add_row(f"{title} {name}", *(_cell(cell, name == "error") for cell in cells))
    if any(run["shorter_than_recipe"] for run in runs):
        table.add_row("shorter than its recipe", *(run["shorter_than_recipe"] or "" for run in runs))
    table.add_section()
    table.add_row("seeds", *(str(len(run["seeds"])) for run in runs))
    table.add_row("parameters", *(f"{run['parameters']:,}" for run in runs))
    table.add_row("epochs", *(f"{run['epochs']:,}" for run in runs))
    table.add_row("training time of a seed", *(short_time(run["seconds"]) for run in runs))
    return table


def _cell(result, is_error):
    """Returns a result as text: the mean and, of several seeds, the smallest and the largest."""
    if result is None or result["mean"] is None:
        return "-"
    text = percent if is_error else "{:.4g}".format
    if len(result["values"]) == 1:
        return text(result["mean"])
    return f"{text(result['mean'])} ({text(result['min']).removesuffix(' %')} - {text(result['max'])})"


def plot_curves(runs: Sequence[FinishedRun], path: Path) -> None:
    """Plots loss and error of runs by epoch, a colour for each run and a line for each seed.

    Validation is drawn where a run has it, next to it paler the training; errors where a run has accuracies.
    Raises Refusal if no run has a history.csv.
    """
    require(any(any(run.histories) for run in runs), "compare --plot", "runs with a history.csv", runs=len(runs))
    has_error = any("accuracy" in row for run in runs for history in run.histories for row in history)
    sheet = figure(10 if has_error else 5.5, 4)
    left, *others = sheet.subplots(1, 1 + has_error, squeeze=False)[0]
    losses: list[float] = []
    for number, run in enumerate(runs):
        for seed, history in enumerate(run.histories):
            validated = any("val_loss" in row for row in history)
            for prefix in ("val_", "") if validated else ("",):
                style: dict[str, Any] = {"color": f"C{number % 10}", "marker": "o" if len(history) == 1 else None}
                style |= {"alpha": 0.35, "lw": 1} if validated and not prefix else {"lw": 1.5}
                style["label"] = run.name if seed == 0 and (prefix or not validated) else None
                epochs, values = _points(history, f"{prefix}loss")
                left.plot(epochs, values, **style)
                losses += values
                epochs, values = _points(history, f"{prefix}accuracy")
                for right in others:
                    right.plot(epochs, [100 * (1 - value) for value in values], **style)
    left.set(xlabel="epoch", ylabel="loss")
    for right in others:
        right.set(xlabel="epoch", ylabel="error, %", ylim=(0, None))
    log_scale(left, losses)
    validated = any("val_loss" in row for run in runs for history in run.histories for row in history)
    left.set_title(
        "validation, or training where there is none; paler: training" if validated else "training", fontsize=9
    )
    for axes in (left, *others):
        whole_ticks(axes.xaxis)
        axes.grid(alpha=0.3)
    for text in left.legend().get_texts():
        text.set_parse_math(False)
    save_figure(sheet, path)


def _points(history, key):
    """Returns the epochs that have a value, and the values."""
    rows = [row for row in history if key in row]
    return [row["epoch"] for row in rows], [row[key] for row in rows]

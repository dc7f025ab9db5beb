"""The results of a run for people: the table that is printed at its end, and history.csv."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from kzoo.export.registry import FORMATS
from kzoo.files import write_atomically
from kzoo.terminal import console, percent, print_table


def result_rows(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Returns the rows of a run's table: (quantity, measured, published)."""
    published = metrics["published"]
    published_error = percent(published and published["error"])
    test, validation = metrics.get("test") or {}, metrics.get("validation") or {}
    rows = [("test error", percent(test.get("error")), published_error)]
    if "views_error" in test:  # the published error is one of several views too
        rows = [(*rows[0][:2], ""), ("test error, mean of views", percent(test["views_error"]), published_error)]
    if validation:
        rows.append(("validation error", percent(validation["error"]), ""))
    rows.append(("training error", percent(metrics["train"]["error"]), ""))
    rows.append(("parameters", f"{metrics['parameters']:,}", ""))
    rows.append(("training time", f"{metrics['seconds']:,.0f} s, {metrics['steps_per_second']:,.0f} steps/s", ""))
    for name, export in metrics["export"].get("formats", {}).items():
        label, difference = FORMATS[name].label, export["max_difference"]
        rows.append((f"{label} reloaded, differs by", "-" if difference is None else f"{difference:.1e}", ""))
        if "accuracy" in export:
            rows.append((f"{label} test error", percent(1 - export["accuracy"]["after"]), ""))
    return rows


def print_results(title: str, metrics: dict[str, Any]) -> None:
    """Prints a run's table."""
    table = Table(title=title, title_justify="left")
    for column, justify in (("", "left"), ("measured", "right"), ("published", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in result_rows(metrics):
        table.add_row(*row)
    print_table(table)
    if metrics["published"]:
        console().print(f"Published: {metrics['published']['source']}", highlight=False)


def write_history(history: Sequence[dict[str, float]], folder: Path, starts: Sequence[int] = (0,)) -> None:
    """Writes history.csv, one row per epoch.

    starts: the completed epochs at which each stage of the training starts; of several a row has the stage's number.
    """
    rows: list[dict[str, float]] = []
    for epoch, row in enumerate(history, start=1):
        stage = {"stage": sum(start < epoch for start in starts)} if len(starts) > 1 else {}
        rows.append({"epoch": epoch, **stage, **row})
    text = io.StringIO()
    keys = dict.fromkeys(["epoch", *(key for row in rows for key in row)])
    writer = csv.DictWriter(text, list(keys), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / "history.csv", text.getvalue())

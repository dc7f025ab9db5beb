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
        if "agreement" in export:
            rows.append((f"{label} predicts the same class for", percent(export["agreement"]["share"]), ""))
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


def write_history(history: Sequence[dict[str, float]], folder: Path) -> None:
    """Writes history.csv, one row per epoch."""
    keys = list(dict.fromkeys(key for row in history for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", *keys], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": epoch, **row} for epoch, row in enumerate(history, start=1))
    write_atomically(folder / "history.csv", text.getvalue())

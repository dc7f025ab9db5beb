"""What a run writes about its predictions: predictions.csv, classes.csv, and pictures of mistakes, maps and filters."""

from pathlib import Path
from typing import Any

import keras

from kzoo.analysis.kernels import filters
from kzoo.checks import Refusal
from kzoo.data.examples import Examples
from kzoo.figures import save_figure
from kzoo.files import write_csv
from kzoo.training.plots import plot_confusion, plot_maps, plot_mistakes
from kzoo.training.predictions import ConfusedPredictions, CountedPredictions, MapPredictions, Predictions

PREDICTIONS, CLASSES = "predictions.csv", "classes.csv"
LISTED = 30  # most classes or labels in a table of the card; of more, those with the lowest F1
PLURALS = {"class": "classes", "label": "labels"}


def write_predictions(predictions: Predictions, examples: Examples, title: str, folder: Path) -> list[str]:
    """Writes predictions.csv of a run's predictions on a split, and of classes and labels classes.csv and pictures.

    predictions.csv has a row for each example: its number, its file if it has one, and `Predictions.columns`.
    classes.csv has a row for each class or label. Returns the names of the files.
    """
    files = examples.files
    columns = ["index", *(["file"] if files else []), *predictions.columns]
    rows = ([index, *([files[index]] if files else []), *row] for index, row in enumerate(predictions.rows()))
    write_csv(folder / PREDICTIONS, columns, rows)
    written = [PREDICTIONS]
    if isinstance(predictions, CountedPredictions):
        found = predictions.per_class()
        scores = [[predictions.name(one.number), *map(_short, one[1:-1]), one.support] for one in found]
        write_csv(folder / CLASSES, [predictions.unit, "precision", "recall", "f1", "iou", "support"], scores)
        written.append(CLASSES)
    if isinstance(predictions, ConfusedPredictions):
        if predictions.confusion is not None:
            plot_confusion(predictions, title, folder / "confusion.png")
            written.append("confusion.png")
        if predictions.worst:
            plot_mistakes(predictions, title, folder / "mistakes.png", files)
            written.append("mistakes.png")
    if isinstance(predictions, MapPredictions):
        heading = f"{title}: {predictions.split} examples"
        plot_maps(predictions.sample, predictions, heading, folder / "maps.png", files)
        written.append("maps.png")
    return written


def write_filters(model: keras.Model, folder: Path) -> None:
    """Writes filters.png, the kernels of the first convolution, if the model has one."""
    try:
        found = filters(model)
    except Refusal:
        return
    save_figure(found.draw(compare=False), folder / "filters.png")


def class_table(predictions: CountedPredictions) -> list[str]:
    """Returns the lines of a section of the card, a table of classes or labels, of many those with the lowest F1."""
    found, unit = predictions.per_class(), predictions.unit
    listed, lines = found, [f"## {PLURALS[unit].capitalize()}", ""]
    if len(found) > LISTED:
        listed = sorted(found, key=lambda one: (one.f1 is None, one.f1))[:LISTED]
        lines += [f"The {LISTED} of {len(found):,} {PLURALS[unit]} with the lowest F1; `classes.csv` has all:", ""]
    of_maps = isinstance(predictions, MapPredictions)
    columns = ["precision", "recall", "F1", *(["IoU"] if of_maps else []), "pixels" if of_maps else "examples"]
    lines += [f"| {unit} | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for one in listed:
        scores = [one.precision, one.recall, one.f1, *([one.iou] if of_maps else [])]
        cells = ["-" if score is None else f"{score:.3f}" for score in scores]
        name = predictions.name(one.number).replace("|", "\\|")
        lines.append(f"| {name} | {' | '.join(cells)} | {one.support:,} |")
    return lines


def _short(score: Any) -> str | None:
    return None if score is None else f"{score:.6g}"

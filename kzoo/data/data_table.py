"""The table of a dataset's splits: how many examples they have, and of which classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from kzoo.checks import escape
from kzoo.data.loader import Data
from kzoo.data.split_warnings import name_of, split_warnings
from kzoo.terminal import console, percent, say

MOST = 20  # classes in the table


def print_image_files(data: Data) -> None:
    """Prints to stderr, for data from a folder of images, how many there are of each class, and warnings."""
    files = data.image_files
    if files is None:
        return
    sizes = {name: split.size for name, split in data.splits().items()}
    counts = {name: np.bincount(labels) for name, labels in (files.labels or {}).items()}
    console(stderr=True).print(splits_table(data.name, sizes, counts, data.class_names))
    for warning in split_warnings(files.digests, files.labels, data.class_names, files.names):
        say(f"warning: {warning}.")


def splits_table(
    title: str,
    sizes: Mapping[str, int],
    counts: Mapping[str, np.ndarray],
    class_names: Sequence[str] | None = None,
    unit: str = "class",
) -> Table:
    """Returns a rich table of splits: a row for each class, of more than 20 the most frequent, and one for all.

    Arguments: sizes, examples of each split; counts, of each class in them, {} if classes are not known; unit, what is
    counted, of pixels their shares are shown instead.
    """
    table, pixels = _empty_table(title, unit, sizes), unit == "pixels"
    classes = max(map(len, counts.values()), default=0)
    padded = {name: np.pad(of_split, (0, classes - len(of_split))) for name, of_split in counts.items()}
    totals = sum(padded.values(), np.zeros(classes, int))
    shown = np.sort(np.argsort(-totals, kind="stable")[:MOST]).tolist()
    for label in shown:
        cells = (
            percent(float(of_split[label] / max(1, of_split.sum()))) if pixels else f"{of_split[label]:,}"
            for of_split in padded.values()
        )
        table.add_row(escape(name_of(label, class_names)), *cells)
    if classes > MOST:
        rest = (of_split.sum() - of_split[shown].sum() for of_split in padded.values())
        cells = ("" if pixels else f"{count:,}" for count in rest)
        table.add_row(f"{classes - MOST} others", *cells, end_section=True)
    table.add_row("examples", *(f"{size:,}" for size in sizes.values()))
    return table


def numbers_table(
    title: str,
    sizes: Mapping[str, int],
    values: Mapping[str, Mapping[str, Sequence[float]]],
    names: Sequence[str] | None = None,
) -> Table:
    """Returns a rich table of the numbers that are the targets of splits: of many the first 20.

    Arguments: sizes, examples of each split; values, {split: mean, deviation, smallest and largest of each number}.
    """
    table = _empty_table(title, "number", sizes)
    count = len(next(iter(values.values()))["mean"])
    for number in range(min(count, MOST)):
        found = ({key: part[number] for key, part in of_split.items()} for of_split in values.values())
        cells = ("{mean:.4g} ± {deviation:.4g}, {smallest:.4g} to {largest:.4g}".format(**each) for each in found)
        table.add_row(escape(name_of(number, names)), *cells)
    if count > MOST:
        table.add_row(f"{count - MOST} others", *("" for _ in sizes), end_section=True)
    table.add_row("examples", *(f"{size:,}" for size in sizes.values()))
    return table


def _empty_table(title, first, splits):
    table = Table(title=escape(title), title_justify="left")
    table.add_column(first, overflow="fold")
    for name in splits:
        table.add_column(name, justify="right")
    return table

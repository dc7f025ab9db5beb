"""Writes the records of predictions as CSV, JSON, JSON Lines or a table, to standard output or a file.

CSV and JSON Lines are written while files are predicted. Files appear complete or not at all.

Source: RFC 4180 (CSV), with lines that end as on Unix; jsonlines.org.
"""

import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from kzoo.checks import escape, require
from kzoo.files import atomic_replace, check_writable
from kzoo.terminal import console, percent, stdout

NPY = ".npy"  # of the file of all outputs
CLASS = ("class", "label", "score")  # the entries of a class in a record


class RecordWriter:
    """Writes records to a text stream; `close` writes what waits for the last one."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.records: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any], most: int) -> None:
        """Writes a record of `kzoo.export.records`; most: the number of classes that a record can have."""
        self.records.append(record)

    def close(self) -> None:
        """Writes what waits for the last record."""


class CsvWriter(RecordWriter):
    """A row for each example, with the columns file, index, class_1, label_1, score_1, class_2 and so on.

    Of label maps there are shares, of pixels, instead of scores. The index is that of an example in an array's file.
    """

    def __init__(self, stream: TextIO):
        super().__init__(stream)
        self.rows = csv.writer(stream, lineterminator="\n")
        self.started = False

    def write(self, record: dict[str, Any], most: int) -> None:
        row = flatten(record, most)
        if not self.started:
            self.rows.writerow(row)
            self.started = True
        self.rows.writerow(row.values())


class JsonLinesWriter(RecordWriter):
    """A line of JSON for each example."""

    def write(self, record: dict[str, Any], most: int) -> None:
        self.stream.write(json.dumps(record) + "\n")


class JsonWriter(RecordWriter):
    """One list of all records."""

    def close(self) -> None:
        self.stream.write(json.dumps(self.records, indent=2) + "\n")


class TableWriter(RecordWriter):
    """A table for people."""

    def close(self) -> None:
        if self.records:
            shown = stdout() if self.stream is sys.stdout else console(file=self.stream, width=160)
            shown.print(predictions_table(self.records))


WRITERS = {"table": TableWriter, "csv": CsvWriter, "jsonl": JsonLinesWriter, "json": JsonWriter}


class Target(NamedTuple):
    """Where predictions go: the format of the records, the file for them (None: standard output), that for outputs."""

    format: str = "table"
    file: Path | None = None
    outputs: Path | None = None

    @property
    def streams(self) -> bool:
        """Whether records are written to standard output while files are predicted."""
        return self.file is None and self.format in ("csv", "jsonl")


def check_target(out: str | None, format: str | None, overwrite: bool) -> Target:
    """Returns the `Target` of the options --out and --format.

    Raises Refusal for a format that there is none of or that the file's name does not say, and for a file that cannot
    be written, or exists and `overwrite` is false.
    """
    require(format in (None, *WRITERS), "predict --format", f"one of {', '.join(WRITERS)}", format=format)
    if out is None:
        return Target(format or "table")
    file = Path(out)
    of_file = format or file.suffix.lower().removeprefix(".")
    expected = f"--format, or a path that ends in .{', .'.join(list(WRITERS)[1:])} or {NPY}"
    require(file.suffix == NPY or of_file in WRITERS, "predict --out", expected, out=out)
    free = not file.exists() or (overwrite and file.is_file())
    require(free, "predict --out", "a path where there is nothing, or a file and --overwrite", out=out)
    check_writable(file, "predict --out")
    return Target(format or "table", outputs=file) if file.suffix == NPY else Target(of_file, file)


@contextlib.contextmanager
def open_writer(target: Target) -> Iterator[RecordWriter]:
    """Context manager: yields the writer of a target's records, which is closed if the block succeeds."""
    with contextlib.ExitStack() as stack:
        if target.file is None:
            stream = sys.stdout
            if isinstance(stream, io.TextIOWrapper):  # names of files may be no UTF-8; the next program waits for rows
                stream.reconfigure(errors="surrogateescape", line_buffering=True)
        else:
            partial = stack.enter_context(atomic_replace(target.file, "predict"))
            stream = stack.enter_context(open(partial, "w", encoding="utf-8", errors="surrogateescape", newline=""))
        writer = WRITERS[target.format](stream)
        yield writer
        writer.close()


def flatten(record: dict[str, Any], most: int) -> dict[str, Any]:
    """Returns a record without lists: the entries of the first class get the suffix _1, those of the second _2.

    Numbers become value_1, value_2 or have their names. Of several outputs each has its name in front.
    most: how many classes there are columns for.

    >>> flatten({"file": "a.png", "top": [{"class": 7, "score": 0.5}]}, 2)
    {'file': 'a.png', 'class_1': 7, 'score_1': 0.5, 'class_2': None, 'score_2': None}
    """
    row: dict[str, Any] = {}
    for key, value in record.items():
        prefix = "".join(key.rpartition("_")[:2])
        if isinstance(value, dict):
            row |= {f"{prefix}{name}": number for name, number in value.items()}
        elif not isinstance(value, list):
            row[key] = value
        elif key.endswith("values"):
            row |= {f"{prefix}value_{number + 1}": each for number, each in enumerate(value)}
        else:
            for rank in range(most):
                entry = value[rank] if rank < len(value) else dict.fromkeys(value[0] if value else CLASS)
                row |= {f"{prefix}{name}_{rank + 1}": part for name, part in entry.items()}
    return row


def predictions_table(records):
    """Returns a rich table of records."""
    from rich.table import Table

    if not records[0].keys() & {"shares", "top"}:
        return _tasks_table(records)
    of_maps = "shares" in records[0]
    title = "classes with the largest shares of the pixels" if of_maps else "most probable classes"
    table, key = Table(title=title, title_justify="left"), "shares" if of_maps else "top"
    for column in ("example", *(f"{rank}." for rank in range(1, 1 + max(len(record[key]) for record in records)))):
        table.add_column(column, overflow="fold")
    for record in records:
        table.add_row(_example_of(record), *map(_class_text, record[key]))
    return table


def _tasks_table(records):
    """Returns a rich table of the records of tasks without classes or of several tasks: a column for each entry."""
    from rich.table import Table

    table = Table(title="predictions", title_justify="left")
    keys = [key for key in records[0] if key not in ("file", "index")]
    for column in ("example", *keys):
        table.add_column(column, overflow="fold")
    for record in records:
        table.add_row(_example_of(record), *(_entry_text(record[key]) for key in keys))
    return table


def _example_of(record):
    return escape(record["file"]) + ("" if record["index"] is None else f" {record['index']}")


def _class_text(one):
    name = str(one["class"]) if one["label"] is None else escape(one["label"])
    return f"{name}  " + (percent(one["share"]) if "share" in one else f"{one['score']:.3f}")


def _entry_text(value):
    """Returns an entry of a record as text: classes or labels, numbers with or without names, or one number."""
    if isinstance(value, dict):
        return ", ".join(f"{escape(name)} {number:.4g}" for name, number in value.items())
    parts = value if isinstance(value, list) else [value]
    return ", ".join(_class_text(part) if isinstance(part, dict) else f"{part:.4g}" for part in parts) or "-"

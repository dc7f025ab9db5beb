"""Opens exported models as functions from batches of examples to outputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kzoo.checks import Refusal, one_line, require
from kzoo.export.damage import RECORD, read_export_record, refuse_damaged
from kzoo.export.export_folder import LABELS
from kzoo.export.fixed_shape import fill_batch
from kzoo.export.registry import find_format, format_at
from kzoo.task import Task, read_tasks


class Predictor(NamedTuple):
    """The shape of one example (None: any size), names of the classes or None, and the function that predicts.

    The function raises Refusal for a batch that the model cannot be run with.
    resize: how images get that shape, as for `kzoo.data.load`; tasks: of the outputs, () for one of classes. Of several
    tasks the function returns a list of arrays.
    """

    shape: tuple[int | None, ...]
    labels: list[str] | None
    run: Callable[[np.ndarray], Any]
    resize: str | int = "stretch"
    tasks: tuple[Task, ...] = ()


def is_export(path):
    """Returns whether `path` is an exported model: a folder of `kzoo export`, or a file or folder of one format."""
    path = Path(path)
    return path.exists() and (format_at(path) is not None or (path / RECORD).is_file())


def open_export(path):
    """Returns the `Predictor` of an exported model, run by its own runtime.

    A folder of `kzoo export` opens as its first format. Raises Refusal if there is no export, if its runtime is missing
    or cannot open it, or if the model has several inputs.
    """
    path = Path(path)
    if (path / RECORD).is_file():
        path, format = first_export(path)
    else:
        format = format_at(path)
    if format is None or not path.exists():
        raise Refusal(f"predict: no exported model at {path}.")
    refuse_damaged(path, format)
    try:
        shapes, run = format.open(path)
    except ImportError as error:
        raise Refusal(f"predict: {path} needs {format.runtime}: pip install 'kzoo[export]'.") from error
    except Exception as error:  # each runtime has its own classes
        raise Refusal(f"predict: {path} cannot be opened: {one_line(error, 300)}") from error
    require(len(shapes) == 1, "predict", "a model of one input", inputs=", ".join(shapes))
    ((name, (batch_size, *shape)),) = shapes.items()
    record = read_export_record(path.parent) if (path.parent / RECORD).is_file() else None
    tasks = read_tasks({"tasks": record.tasks}) if record else ()

    def run_one(x):
        try:
            starts = range(0, len(x), batch_size or len(x))
            parts = [run({name: fill_batch(x[start:][:batch_size], batch_size or len(x))}) for start in starts]
            outputs = [np.concatenate(each)[: len(x)] for each in zip(*parts)]
            return outputs if len(tasks) > 1 else outputs[0]
        except Exception as error:
            raise Refusal(f"predict: {path} cannot be run: {one_line(error, 300)}") from error

    resize = record.resize if record else "stretch"
    return Predictor(tuple(shape), labels_of(path), run_one, resize, tasks)


def first_export(folder):
    """Returns (path, format) of the first model in a folder of `kzoo export`.

    Raises Refusal if the record is damaged, or names a file outside the folder, which somebody else may have put there.
    """
    first = read_export_record(folder).exports[0]
    path = folder / first.file
    inside = folder.resolve() in path.resolve().parents
    require(inside, f"predict: {folder / RECORD}", "files in its own folder", file=first.file)
    return path, find_format(first.format)


def labels_of(path):
    """Returns the names of the classes from the file next to an exported model or in a SavedModel; None without one."""
    for file in (path.parent / LABELS, path / "assets" / LABELS):
        if file.is_file():
            try:
                return file.read_text("utf-8").splitlines()
            except UnicodeDecodeError:
                raise Refusal(f"predict: {file} is not UTF-8 text.") from None
    return None

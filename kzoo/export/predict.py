"""The best classes of images, arrays and folders of images, by an exported model or any other function.

Source: none.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from rich.table import Table

from kzoo.checks import Refusal, require
from kzoo.data.source import tidy
from kzoo.export.export_folder import LABELS, RECORD
from kzoo.export.formats import format_at
from kzoo.export.runtimes import OPENERS

IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
BATCH = 256


class Predictor(NamedTuple):
    """Something that answers: the shape of an example (None: any size), names of the classes or None, the function."""

    shape: tuple
    labels: list | None
    answer: Callable


def is_export(path):
    """Whether there is an exported model at `path`: a folder of `kzoo export`, a SavedModel, a file of a format."""
    path = Path(path)
    return path.exists() and (format_at(path) is not None or (path / RECORD).is_file())


def open_export(path):
    """The `Predictor` of an exported model, by its own runtime.

    Errors: Refusal if there is none at `path`, its runtime is missing or cannot open it, or it has several inputs.
    """
    path = Path(path)
    if (path / RECORD).is_file():
        found = json.loads((path / RECORD).read_text())["exports"][0]
        path, format = path / found["file"], found["format"]
    else:
        format = format_at(path)
        if format is None or not path.exists():
            raise Refusal(f"predict: no exported model at {path}.")
    opener, runtime = OPENERS[format]
    try:
        shapes, run = opener(path)
    except ImportError as error:
        raise Refusal(f"predict: {path} needs {runtime}: pip install 'kzoo[export]'.") from error
    except Exception as error:  # each runtime has errors of its own
        raise Refusal(f"predict: {path} cannot be opened: {' '.join(str(error).split())[:300]}") from error
    require(len(shapes) == 1, "predict", "a model of one input", inputs=", ".join(shapes))
    ((name, shape),) = shapes.items()
    return Predictor(shape[1:], labels_of(path), lambda x: run({name: x})[0])


def labels_of(path):
    """Names of the classes from the file beside an exported model, or within a SavedModel; None if there is none."""
    for file in (path.parent / LABELS, path / "assets" / LABELS):
        if file.is_file():
            return file.read_text().splitlines()
    return None


def predict(predictor, files, top=3):
    """(records, outputs): for each example of the files its `top` classes, and all outputs (N, classes).

    files: images (PNG, JPEG, GIF, BMP), resized as training data is; .npy arrays, one example or many; folders of
    either. A record is {file, index, top: [{class, label, score}, ...]}; index is None for images.
    Errors: Refusal, one line, for a file that is none of these or does not fit the model's input.
    """
    records, outputs = [], []
    for file in found_in(files):
        x = read(file, predictor.shape)
        answers = np.concatenate([np.asarray(predictor.answer(x[i : i + BATCH])) for i in range(0, len(x), BATCH)])
        require(answers.ndim == 2, "predict", "a classifier", outputs=answers.shape)
        known = predictor.labels if predictor.labels and len(predictor.labels) == answers.shape[1] else None
        several = Path(file).suffix == ".npy"
        for index, row in enumerate(answers):
            best = [
                {"class": int(k), "label": known[k] if known else None, "score": float(row[k])}
                for k in np.argsort(-row, kind="stable")[:top]
            ]
            records.append({"file": str(file), "index": index if several else None, "top": best})
        outputs.append(answers)
    return records, np.concatenate(outputs)


def found_in(files):
    """The files themselves, and those in folders, however deep, in order of their names.

    Errors: Refusal for what does not exist, and for folders that hold nothing to predict.
    """
    found = []
    for path in map(Path, files):
        if path.is_dir():
            inside = sorted(f for f in path.rglob("*") if f.suffix.lower() in (*IMAGES, ".npy") and f.is_file())
            require(inside, "predict", f"a folder with {', '.join(IMAGES)} or .npy files", folder=str(path))
            found += inside
        else:
            require(path.is_file(), "predict", "existing files and folders", file=str(path))
            found.append(path)
    return found


def read(file, shape):
    """The examples in one file as float32, (N, *shape). Errors: Refusal if they do not fit."""
    if Path(file).suffix.lower() in IMAGES:
        return read_image(file, shape)
    x = read_array(file)
    if x.ndim == len(shape):  # one example
        x = x[None]
    fits = x.ndim == len(shape) + 1 and all(a in (None, b) for a, b in zip(shape, x.shape[1:])) and len(x) > 0
    wanted = ", ".join(str(n or "any") for n in shape)
    require(fits, "predict", f"an array of shape (N, {wanted}), N above 0", file=str(file), shape=x.shape)
    return x


def read_image(file, shape):
    """One image file as a batch (1, H, W, C) of float32 from 0 to 255, resized if the model's size is known."""
    takes = len(shape) == 3 and shape[-1] in (1, 3)
    wanted = ", ".join(str(n or "any") for n in shape)
    require(takes, "predict", f".npy files for examples of shape ({wanted}), which are no images", file=str(file))
    try:
        image = tf.io.decode_image(Path(file).read_bytes(), shape[-1], expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        raise Refusal(f"predict: {file} is no image that can be read.") from error
    size = None if None in shape[:2] else shape[:2]
    return tidy(image, tf.zeros((), "int32"), size)[0].numpy()[None].astype("float32")


def read_array(file):
    """The numeric array in a .npy file, as float32."""
    try:
        x = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Refusal(f"predict: {file} is neither an image nor a .npy array: {error}") from None
    numeric = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    require(numeric, "predict", "one array of numbers in a .npy file", file=str(file))
    return x.astype("float32")


def table(records, title="most probable classes"):
    """A table of records for the terminal."""
    places = max(len(record["top"]) for record in records)
    found = Table(title=title, title_justify="left")
    for column in ("example", *(f"{place}." for place in range(1, places + 1))):
        found.add_column(column)
    for record in records:
        name = Path(record["file"]).name + ("" if record["index"] is None else f" {record['index']}")
        told = (
            f"{best['label'] if best['label'] is not None else best['class']}  {best['score']:.3f}"
            for best in record["top"]
        )
        found.add_row(name, *told)
    return found

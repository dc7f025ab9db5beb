"""Predicts the classes of images and arrays, or of their pixels, with an exported model or any other function."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from rich.table import Table

from kzoo.checks import Refusal, escape, one_line, require
from kzoo.data.image_file import SUFFIXES, UnreadableImageError, read_image
from kzoo.data.source import resize_images
from kzoo.data.visible_files import visible_files
from kzoo.export.damage import RECORD, read_export_record, refuse_damaged
from kzoo.export.export_folder import LABELS
from kzoo.export.fixed_shape import fill_batch
from kzoo.export.label_maps import MapWriter, class_shares
from kzoo.export.registry import find_format, format_at
from kzoo.terminal import percent

BATCH, PIXELS = 256, 2**22  # examples in a batch, and numbers in its inputs unless it is of one example


class Predictor(NamedTuple):
    """The shape of one example (None: any size), names of the classes or None, and the function that predicts.

    resize: how images get that shape, as for `kzoo.data.load`.
    """

    shape: tuple
    labels: list | None
    run: Callable
    resize: str | int = "stretch"


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

    def run_one(x):
        try:
            if batch_size is None:
                return run({name: x})[0]
            starts = range(0, len(x), batch_size)
            parts = [run({name: fill_batch(x[start : start + batch_size], batch_size)})[0] for start in starts]
            return np.concatenate(parts)[: len(x)]
        except Exception as error:
            raise Refusal(f"predict: {path} cannot be run: {one_line(error, 300)}") from error

    recorded = (path.parent / RECORD).is_file()
    resize = read_export_record(path.parent).resize if recorded else "stretch"
    return Predictor(tuple(shape), labels_of(path), run_one, resize)


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


def predict(predictor, files, top=3, maps=None, overwrite=False):
    """Returns (records, outputs): the `top` classes of each example in the files, and the outputs for each file.

    files: images (BMP, GIF, JPEG, PNG, TIFF, WebP), read and resized like the training data; .npy arrays of one example
    or many; folders of either. A record is {file, index, top: [{class, label, score}, ...]}; the index is None for
    images. The outputs for a file are (N, classes).
    Of a model with a class for each pixel a record has shares: [{class, label, share}, ...] instead of top, and the
    outputs are label maps (N, H, W); `MapWriter` writes them into the folder `maps`.
    Raises Refusal for a file that is none of these or does not fit the model's input.
    """
    records, outputs, found = [], [], list_files(files)
    writer = MapWriter(maps, found, overwrite) if maps is not None else None
    for file in found:
        x = read_examples(file, predictor.shape, resize=predictor.resize)
        size = max(1, min(BATCH, PIXELS // int(np.prod(x.shape[1:]))))
        parts = [_outputs(predictor, x[i : i + size], file) for i in range(0, len(x), size)]
        fits = writer is None or parts[0].ndim == 4
        require(fits, "predict --maps", "a model with a class for each pixel", outputs=parts[0].shape)
        result = np.concatenate([part if part.ndim == 2 else as_label_maps(part) for part in parts])
        for number, output in enumerate(result):
            index = number if file.suffix == ".npy" else None
            record = {"file": str(file), "index": index}
            if output.ndim == 1:
                record["top"] = most_probable(output, predictor.labels, top)
            else:
                record["shares"] = class_shares(output, predictor.labels, top)
            if writer is not None:
                writer.write(file, index, output, parts[0].shape[-1])
            records.append(record)
        outputs.append(result)
    return records, outputs


def _outputs(predictor, x, file):
    """Returns a model's outputs for a batch, (B, classes) or (B, H, W, classes), after checking them."""
    scores = np.asarray(predictor.run(x))
    good = scores.ndim == 2 or (scores.ndim == 4 and scores.shape[-1] > 1)
    require(good, "predict", "a classifier, or a model with a class for each pixel", outputs=scores.shape)
    damaged = np.isnan(scores).any(tuple(range(1, scores.ndim)))
    expected = "a model whose outputs are numbers"
    require(not damaged.any(), "predict", expected, file=str(file), examples_with_nan=int(damaged.sum()))
    labels, classes = predictor.labels, scores.shape[-1]
    matches = not labels or len(labels) == classes
    require(matches, "predict", f"as many names of classes as outputs, {classes}", names=len(labels or ()))
    return scores


def as_label_maps(scores):
    """Returns the class with the largest score at each pixel, in the smallest dtype that holds the classes."""
    return scores.argmax(-1).astype("uint8" if scores.shape[-1] <= 256 else "int32")


def most_probable(scores, labels, top):
    """Returns the `top` classes of one example as records {class, label, score}."""
    return [
        {"class": int(k), "label": labels[k] if labels else None, "score": float(scores[k])}
        for k in np.argsort(-scores, kind="stable")[:top]
    ]


def list_files(paths, who="predict"):
    """Returns the files among the paths and those in their folders, at any depth and sorted, without hidden ones.

    who: what messages name. Raises Refusal for a path that is empty or does not exist and for a folder without a file
    to predict.
    """
    files, names = [], [str(path) for path in paths]
    require(all(names), who, "names of files and folders, not empty ones", files=names)
    for path in map(Path, paths):
        if path.is_dir():
            found = [f for f in visible_files(path)[0] if f.suffix.lower() in (*SUFFIXES, ".npy") and f.is_file()]
            require(found, who, f"a folder with {', '.join(SUFFIXES)} or .npy files", folder=str(path))
            files += found
        else:
            require(path.is_file(), who, "existing files and folders", file=str(path))
            files.append(path)
    return files


def read_examples(file, shape, who="predict", resize="stretch"):
    """Returns the examples in one file as float32, (N, *shape). Raises Refusal if they have another shape.

    who: what messages name; resize: how images get this shape, as for `kzoo.data.load`.
    """
    if Path(file).suffix.lower() in SUFFIXES:
        return read_pixels(file, shape, who, resize)
    x = read_array(file, who)
    if x.ndim == len(shape):  # one example
        x = x[None]
    fits = x.ndim == len(shape) + 1 and all(a in (None, b) for a, b in zip(shape, x.shape[1:])) and len(x) > 0
    expected = ", ".join(str(n or "any") for n in shape)
    require(fits, who, f"an array of shape (N, {expected}), N above 0", file=str(file), shape=x.shape)
    return x


def read_pixels(file, shape, who="predict", resize="stretch"):
    """Returns an image as a batch (1, H, W, C) of float32, resized if the model's size is known.

    The pixels are those of `kzoo.data.image_file`, as in training: 0 to 255, or to 65,535 if the file has 16 bits.
    """
    images = len(shape) == 3 and shape[-1] in (1, 3)
    expected = ", ".join(str(n or "any") for n in shape)
    require(images, who, f".npy files for examples of shape ({expected}), which are not images", file=str(file))
    try:
        image = read_image(file, shape[-1])
    except UnreadableImageError as error:
        raise Refusal(f"{who}: {file} is {error}.") from error
    size = None if None in shape[:2] else shape[:2]
    return resize_images(tf.constant(image), size, resize).numpy()[None].astype("float32")


def read_array(file, who="predict"):
    """Returns the numeric array in a .npy file as float32."""
    try:
        x = np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged file can raise any exception
        raise Refusal(f"{who}: {file} is neither an image nor a .npy array: {one_line(error, 300)}") from error
    numeric = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    require(numeric, who, "one array of numbers in a .npy file", file=str(file))
    return x.astype("float32")


def predictions_table(records):
    """Returns a rich table of records."""
    of_maps = "shares" in records[0]
    title = "classes with the largest shares of the pixels" if of_maps else "most probable classes"
    table, key = Table(title=title, title_justify="left"), "shares" if of_maps else "top"
    for column in ("example", *(f"{rank}." for rank in range(1, 1 + max(len(record[key]) for record in records)))):
        table.add_column(column)
    for record in records:
        name = escape(Path(record["file"]).name) + ("" if record["index"] is None else f" {record['index']}")
        best = (
            f"{one['class'] if one['label'] is None else escape(one['label'])}  "
            + (percent(one["share"]) if of_maps else f"{one['score']:.3f}")
            for one in record[key]
        )
        table.add_row(name, *best)
    return table

"""Predicts the examples in files: files are read ahead in threads, and examples of one shape run in batches."""

import collections
import concurrent.futures
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kzoo.checks import Refusal, require
from kzoo.data.example_reader import ExampleReader
from kzoo.data.file_arguments import is_image
from kzoo.export.predictor import Predictor
from kzoo.task import Task

BATCH, PIXELS = 256, 2**22  # examples in a batch, and numbers in its inputs unless it is of one example
THREADS = 8  # that read files, at most

Failed = Callable[[Path, str], None]


class Example(NamedTuple):
    """An example of a file; index: its number in the file of an array, None for an image."""

    file: Path
    index: int | None  # type: ignore[assignment]  # tuples have a method of this name
    x: np.ndarray


class Prediction(NamedTuple):
    """A model's output for an example: scores of the classes (classes,), or a label map (H, W) of class numbers.

    Of other tasks it is the output itself, and of several tasks a tuple; classes: the channels of the first output.
    """

    file: Path
    index: int | None  # type: ignore[assignment]  # tuples have a method of this name
    output: Any
    classes: int


def predict(predictor: Predictor, files: Iterable[Path], failed: Failed | None = None) -> Iterator[Prediction]:
    """Yields a `Prediction` for each example in the files, in their order.

    failed: a function (file, reason) that is called for a file that cannot be read, or whose examples the model cannot
    be run with or answers with NaN; the other files are predicted. Without it Refusal is raised.
    Raises Refusal for a model that is no classifier and has no class for each pixel.
    """

    def refuse(file: Path, reason: str) -> None:
        raise Refusal(reason)

    report = refuse if failed is None else failed
    waiting: list[Example] = []
    numbers = 0
    for example in _read(predictor, files, report):
        waiting.append(example)
        numbers += example.x.size
        if len(waiting) >= BATCH or numbers >= PIXELS:
            yield from _run(predictor, waiting, report)
            waiting, numbers = [], 0
    yield from _run(predictor, waiting, report)


def as_label_maps(scores):
    """Returns the class with the largest score at each pixel, in the smallest dtype that holds the classes."""
    return scores.argmax(-1).astype("uint8" if scores.shape[-1] <= 256 else "int32")


def _read(predictor: Predictor, files: Iterable[Path], failed: Failed) -> Iterator[Example]:
    """Yields the examples in files. Images are read ahead in threads, arrays, which may be large, when needed."""
    reader, files = ExampleReader("predict", predictor.shape, predictor.resize), iter(files)
    numbers = math.prod(n or 1 for n in predictor.shape)
    threads = min(THREADS, len(os.sched_getaffinity(0)))
    ahead = threads if None in predictor.shape else max(threads, min(BATCH, PIXELS // numbers))
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    pending: collections.deque[tuple[Path, Any]] = collections.deque()

    def start(file: Path) -> None:
        pending.append((file, pool.submit(reader.read, file) if is_image(file) else None))

    try:
        for file in itertools.islice(files, ahead):
            start(file)
        while pending:
            file, reading = pending.popleft()
            try:
                x = reader.read(file) if reading is None else reading.result()
            except Refusal as refusal:
                failed(file, str(refusal))
                x = ()
            for more in itertools.islice(files, 1):
                start(more)
            for index, example in enumerate(x):
                yield Example(file, None if is_image(file) else index, example)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run(predictor: Predictor, examples: list[Example], failed: Failed) -> Iterator[Prediction]:
    """Yields the predictions for examples, which run in batches of one shape."""
    found: list[Prediction | str] = [""] * len(examples)  # or the reason why there is none
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for position, example in enumerate(examples):
        by_shape.setdefault(example.x.shape, []).append(position)
    for shape, positions in by_shape.items():
        size = max(1, min(BATCH, PIXELS // max(1, math.prod(shape))))
        for start in range(0, len(positions), size):
            batch = positions[start : start + size]
            for position, result in zip(batch, _run_batch(predictor, [examples[each] for each in batch])):
                found[position] = result
    last = None
    for example, result in zip(examples, found):
        if isinstance(result, Prediction):
            yield result
        elif example.file != last:  # a file is reported once
            failed(example.file, result)
            last = example.file


def _run_batch(predictor: Predictor, examples: list[Example]) -> list[Prediction | str]:
    """Returns the prediction for each example of one shape, or the reason why there is none."""
    try:
        found = predictor.run(np.stack([example.x for example in examples]))
    except Refusal as refusal:
        return [f"{refusal} (for {example.file})" for example in examples]
    arrays = [np.asarray(y) for y in (found if isinstance(found, list) else [found])]
    damaged = np.any([np.isnan(y).any(tuple(range(1, y.ndim))) for y in arrays], 0)
    tasks = predictor.tasks or (None,)
    parts = [_outputs_of(scores, task, predictor.labels) for scores, task in zip(arrays, tasks)]
    outputs = zip(*parts) if len(parts) > 1 else parts[0]
    results: list[Prediction | str] = []
    for (file, index, _), output, bad in zip(examples, outputs, damaged):
        place = f"file={str(file)!r}" + ("" if index is None else f", index={index}")
        reason = f"predict expects a model whose outputs are numbers; received NaN for {place}."
        results.append(reason if bad else Prediction(file, index, output, arrays[0].shape[-1]))
    return results


def _outputs_of(scores: np.ndarray, task: Task | None, labels: list[str] | None) -> np.ndarray:
    """Returns what is predicted for the examples of a batch by the outputs of one task, None: of classes."""
    if task is not None and not task.of_classes:
        return scores
    _check_scores(scores, labels if task is None else None)
    return scores if scores.ndim == 2 else as_label_maps(scores)


def _check_scores(scores: np.ndarray, labels: list[str] | None) -> None:
    """Raises Refusal unless a model's outputs are (B, classes) or (B, H, W, classes), with a label for each class."""
    good = scores.ndim == 2 or (scores.ndim == 4 and scores.shape[-1] > 1)
    require(good, "predict", "a classifier, or a model with a class for each pixel", outputs=scores.shape)
    classes = scores.shape[-1]
    matches = not labels or len(labels) == classes
    require(matches, "predict", f"as many names of classes as outputs, {classes}", names=len(labels or ()))

"""The numbers, labels and images that a model predicts on a split, of one output or of several."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kzoo.config.config import Config
from kzoo.data.examples import Examples
from kzoo.data.loader import Data
from kzoo.task import THRESHOLD, Task
from kzoo.training.predictions import ClassPredictions, CountedPredictions, MapPredictions, Predictions
from kzoo.training.tasks import output_tasks
from kzoo.training.trainer import RECORDED

BETWEEN = "; "  # the labels of one example


class NumberPredictions(Predictions):
    """Predictions of one or several numbers for each example.

    Shapes: y and outputs (B, count). Arguments: names of the numbers, or None.

    >>> predictions = NumberPredictions("test", 2, ["row", "column"])
    >>> predictions.add(np.zeros((1, 4)), np.array([[1, 2]]), np.array([[1.5, 2.25]]))
    >>> predictions.columns, list(predictions.rows())
    (('truth_row', 'prediction_row', 'truth_column', 'prediction_column'), [('1', '1.5', '2', '2.25')])
    """

    def __init__(self, split: str, count: int, names: Sequence[str] | None = None):
        super().__init__(split)
        ends = [f"_{name}" for name in names or range(1, count + 1)] if names or count > 1 else [""]
        self.columns = tuple(f"{what}{end}" for end in ends for what in ("truth", "prediction"))

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        pairs = np.stack([np.asarray(part).astype("float32") for part in (y, outputs)], -1)
        self._parts.append((pairs.reshape(len(pairs), -1),))
        self.size += len(pairs)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for (numbers,) in self._numbers():
            yield tuple(f"{number:.6g}" for number in numbers)


class LabelPredictions(CountedPredictions):
    """Predictions of several labels for each example, those with a probability above a half.

    Shapes: y (B, labels), 0 or 1; outputs (B, labels), probabilities.

    >>> predictions = LabelPredictions("test", 2, ["cat", "dog"])
    >>> predictions.add(np.zeros((1, 4)), np.array([[1, 1]]), np.array([[0.25, 0.75]]))
    >>> predictions.columns, list(predictions.rows())
    (('truth', 'prediction', 'score_cat', 'score_dog'), [('cat; dog', 'dog', '0.25', '0.75')])
    """

    unit = "label"

    def __init__(self, split: str, classes: int, names: Sequence[str] | None = None):
        super().__init__(split, classes, names)
        self.columns = ("truth", "prediction", *(f"score_{self.name(number)}" for number in range(classes)))

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        truth, scores = np.asarray(y) > THRESHOLD, np.asarray(outputs).astype("float32")
        predicted = scores > THRESHOLD
        self.hits += (truth & predicted).sum(0)
        self.support += truth.sum(0)
        self.predicted += predicted.sum(0)
        self._parts.append((truth, scores))
        self.size += len(truth)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for truth, scores in self._numbers():
            predicted = [score > THRESHOLD for score in scores]
            yield self._listed(truth), self._listed(predicted), *(f"{score:.6g}" for score in scores)

    def _listed(self, flags):
        return BETWEEN.join(self.name(number) for number, flag in enumerate(flags) if flag)


class ImagePredictions(Predictions):
    """The mean absolute error of the image, signal or volume that a model predicts for each example.

    Shapes: y and outputs (B, ..., channels).
    """

    columns = ("mae",)

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        truth, predicted = (np.asarray(part).astype("float32").reshape(len(y), -1) for part in (y, outputs))
        self._parts.append((np.abs(predicted - truth).mean(1),))
        self.size += len(truth)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for (error,) in self._numbers():
            yield (f"{error:.6g}",)


class OutputPredictions(Predictions):
    """The predictions of several outputs; their columns begin with the name of the output.

    Arguments: parts, {name of the output: its predictions}, in the order of the outputs that `add` takes in a list.
    """

    def __init__(self, split: str, parts: Mapping[str, Predictions]):
        super().__init__(split)
        self.parts, self.outputs = parts, len(parts)
        self.columns = tuple(f"{name}_{column}" for name, part in parts.items() for column in part.columns)

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        for part, of_target, of_output in zip(self.parts.values(), y, outputs):
            part.add(x, of_target, of_output)
        self.size += len(x)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for of_outputs in zip(*(part.rows() for part in self.parts.values())):
            yield tuple(value for row in of_outputs for value in row)


def predictions_for(
    config: Config, split: str, examples: Examples, model: keras.Model, data: Data
) -> Predictions | None:
    """Returns empty predictions of a model on the split of this name, of all outputs if there are several targets.

    Of one target they are those of the first output; None if its shape is not one that a row can hold.
    """
    found = dict(zip(model.output_names, output_tasks(config, model, examples.tasks)))
    if len(examples.tasks) == 1:
        task = next(iter(found.values()))
        return _of_task(
            split, task, model.outputs[0].shape, examples.size, data.classes, task.names or data.class_names
        )
    parts = {
        name: _of_task(split, task, output.shape, examples.size, task.size, task.names)
        for (name, task), output in zip(found.items(), model.outputs)
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return OutputPredictions(split, known) if len(known) == len(parts) else None


def _of_task(split, task: Task, shape, examples, classes, names) -> Predictions | None:
    """Returns empty predictions of an output of this shape; classes: of its target, None if unknown."""
    channels, labels = shape[-1] or 0, task.shape
    if task.kind == "image":
        return ImagePredictions(split)
    if task.kind == "multilabel":
        return LabelPredictions(split, channels, names)
    if task.kind == "regression":
        return NumberPredictions(split, channels, task.names)
    if len(shape) == 4 and len(labels) in (2, 3) and channels > 1:
        return MapPredictions(split, channels, names, examples)
    if len(shape) == 2 and int(np.prod(labels)) == 1 and (channels > 1 or classes == 2):
        return ClassPredictions(split, max(channels, 2), names)
    return None


class Recorder(keras.callbacks.Callback):
    """Callback of `evaluate`: adds the batches of a `Trainer` that records its outputs to predictions."""

    def __init__(self, predictions: Predictions):
        super().__init__()
        self.predictions = predictions

    def on_test_batch_end(self, batch, logs=None):
        x, *parts = (logs or {})[RECORDED]
        count = self.predictions.outputs
        y, outputs = parts[:count], parts[count:]
        self.predictions.add(x, *((y[0], outputs[0]) if count == 1 else (y, outputs)))

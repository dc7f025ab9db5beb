"""The classes that a model predicts on a split, collected batch by batch while the split is evaluated.

What is kept does not grow with the size of examples: a few numbers for each, and a few whole examples for pictures.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

SHOWN, SHOWN_MAPS = 24, 6  # examples in a picture
MATRIX = 100  # most classes of a confusion matrix


class Shown(NamedTuple):
    """An example that a picture shows: its number in the split, the example, its true and its predicted label or map.

    score: of the predicted class; of a map the share of its pixels that are wrong.
    """

    number: int
    x: np.ndarray
    truth: Any
    prediction: Any
    score: float


class ClassScores(NamedTuple):
    """How well one class is found; None where nothing was predicted as the class, or no example has it."""

    number: int
    precision: float | None
    recall: float | None
    f1: float | None
    iou: float | None
    support: int


class Predictions:
    """The predictions of a model on a split, a row for each example.

    Attributes: split, its name; size, the examples so far; outputs, how many outputs of the model `add` takes.
    """

    columns: tuple[str, ...]  # of `rows`
    outputs = 1

    def __init__(self, split: str):
        self.split, self.size = split, 0
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        """Adds a batch of examples x (B, ...), their targets y and the outputs for them: arrays or tensors."""
        raise NotImplementedError

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yields a row of `columns` for each example, in the order of the split."""
        raise NotImplementedError

    def _numbers(self):
        """Yields what was kept of each example."""
        for part in self._parts:
            yield from zip(*(each.tolist() for each in part))


class CountedPredictions(Predictions):
    """Predictions of classes or labels, and how often each is found.

    Arguments: classes, how many classes or labels there are; names of them, or None.
    Attribute: unit, whether they are classes or labels.
    """

    unit = "class"

    def __init__(self, split: str, classes: int, names: Sequence[str] | None = None):
        super().__init__(split)
        self.classes, self.names = classes, names
        self.hits, self.support, self.predicted = np.zeros((3, classes), "int64")

    def name(self, number: int) -> str:
        """Returns the name of a class or label, or its number as text."""
        known = self.names is not None and 0 <= number < len(self.names)
        return str(self.names[number]) if known and self.names is not None else str(number)

    def per_class(self) -> list[ClassScores]:
        """Returns the scores of each class or label.

        Source: precision = hits / predicted, recall = hits / support, F1 their harmonic mean, and the intersection
        over union, hits / (predicted + support - hits).
        """
        scores = []
        counts = zip(self.hits.tolist(), self.predicted.tolist(), self.support.tolist())
        for number, (hits, predicted, support) in enumerate(counts):
            both = predicted + support
            precision, recall = _share(hits, predicted), _share(hits, support)
            f1, iou = _share(2 * hits, both), _share(hits, both - hits)
            scores.append(ClassScores(number, precision, recall, f1, iou, support))
        return scores


class ConfusedPredictions(CountedPredictions):
    """Predictions of one class for each example or pixel, with a confusion matrix and the worst mistakes.

    Attributes: confusion, the counts (true class, predicted class), None of more than 100 classes; worst, the `Shown`
    examples, the worst first. Labels that are no class, such as that of unlabelled pixels, are not counted.
    """

    def __init__(self, split: str, classes: int, names: Sequence[str] | None = None):
        super().__init__(split, classes, names)
        self.confusion = np.zeros((classes, classes), "int64") if classes <= MATRIX else None
        self.worst: list[Shown] = []
        self._badness: list[float] = []  # of `worst`

    def _count(self, truth, prediction):
        """Adds labels that are classes, and the classes predicted for them."""
        self.hits += np.bincount(truth[truth == prediction], minlength=self.classes)
        self.support += np.bincount(truth, minlength=self.classes)
        self.predicted += np.bincount(prediction, minlength=self.classes)
        if self.confusion is not None:
            pairs = np.bincount(truth * self.classes + prediction, minlength=self.classes**2)
            self.confusion += pairs.reshape(self.classes, -1)

    def _keep_worst(self, count, badness, x, truth, prediction, score):
        """Keeps the `count` examples with the largest badness above 0, the first of equal ones first."""
        chosen = np.argsort(-badness, kind="stable")[:count]
        for i in chosen[badness[chosen] > 0]:
            self._badness.append(float(badness[i]))
            self.worst.append(self._shown(i, x, truth, prediction, score))
        order = np.argsort(-np.array(self._badness), kind="stable")[:count]
        self.worst = [self.worst[i] for i in order]
        self._badness = [self._badness[i] for i in order]

    def _shown(self, i, x, truth, prediction, score):
        return Shown(self.size + int(i), np.asarray(x[int(i)]), truth[i], prediction[i], float(score[i]))


def _share(part, whole):
    return part / whole if whole else None


class ClassPredictions(ConfusedPredictions):
    """Predictions of one class for each example; the worst mistakes are those with the largest margin.

    Shapes: outputs (B, classes), or (B, 1), the probability of the second of two classes; y (B,) or (B, 1).
    """

    columns = ("truth", "prediction", "score", "score_of_truth")

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        scores, truth = class_scores(outputs), np.asarray(y).reshape(len(y)).astype("int64")
        prediction = scores.argmax(-1)
        is_class = (truth >= 0) & (truth < self.classes)
        of_truth = np.take_along_axis(scores, np.where(is_class, truth, 0)[:, None], -1)[:, 0]
        of_truth, score = np.where(is_class, of_truth, np.nan), scores.max(-1)
        self._count(truth[is_class], prediction[is_class])
        wrong = is_class & (truth != prediction)
        badness = np.where(wrong, np.nextafter(np.maximum(score - of_truth, 0), np.inf), 0)
        self._keep_worst(SHOWN, badness, x, truth, prediction, score)
        self._parts.append((truth.astype("int32"), prediction.astype("int32"), score, of_truth))
        self.size += len(truth)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for truth, prediction, score, of_truth in self._numbers():
            last = None if np.isnan(of_truth) else f"{of_truth:.6g}"
            yield self.name(truth), self.name(prediction), f"{score:.6g}", last


class MapPredictions(ConfusedPredictions):
    """Predictions of a class for each pixel; the worst mistakes are the maps with the largest share of wrong pixels.

    Shapes: outputs (B, H, W, classes); y (B, H, W) or (B, H, W, 1).
    Attribute: sample, `Shown` examples that are evenly spaced over a split of `examples`.
    """

    columns = ("pixels", "wrong_pixels", "error")

    def __init__(self, split: str, classes: int, names: Sequence[str] | None, examples: int):
        super().__init__(split, classes, names)
        self.sample: list[Shown] = []
        self._sampled = set(np.linspace(0, examples - 1, min(SHOWN_MAPS, examples)).astype(int).tolist())

    def add(self, x: Any, y: Any, outputs: Any) -> None:
        prediction = np.asarray(outputs).astype("float32", copy=False).argmax(-1)
        truth = np.asarray(y).reshape(prediction.shape).astype("int64")
        is_class = (truth >= 0) & (truth < self.classes)
        self._count(truth[is_class], prediction[is_class])
        axes = tuple(range(1, truth.ndim))
        pixels, wrong = is_class.sum(axes), (is_class & (truth != prediction)).sum(axes)
        error = wrong / np.maximum(pixels, 1)
        self._keep_worst(SHOWN_MAPS, error, x, truth, prediction, error)
        chosen = [i for i in range(len(truth)) if self.size + i in self._sampled]
        self.sample += [self._shown(i, x, truth, prediction, error) for i in chosen]
        self._parts.append((pixels, wrong))
        self.size += len(truth)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for pixels, wrong in self._numbers():
            yield pixels, wrong, f"{wrong / pixels:.6g}" if pixels else None


def class_scores(outputs: Any) -> np.ndarray:
    """Returns outputs (..., classes) as float32; one output becomes the scores of two classes, 1 - p and p.

    >>> class_scores(np.array([[0.25]])).tolist()
    [[0.75, 0.25]]
    """
    scores = np.asarray(outputs).astype("float32")
    return np.concatenate([1 - scores, scores], -1) if scores.shape[-1] == 1 else scores

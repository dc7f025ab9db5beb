"""What the targets of a split hold: how often each class or label occurs, and the numbers or values."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kzoo.reports.value_statistics import ValueStatistics
from kzoo.task import Task


class TargetContent:
    """Collects one target of a split, batch by batch, as its task needs.

    Attributes: task, with the names of classes, labels or numbers if they have any; counts, how many examples there are
    of each class or label, of label maps how many pixels; values, of images; examples, how many there are.
    Arguments: ignored, the label of pixels without a class.

    >>> content = TargetContent(Task("multilabel", (2,), 2))
    >>> content.add(np.array([[1, 0], [1, 1]]))
    >>> content.describe()
    {'counts': [2, 1]}
    """

    def __init__(self, task: Task, ignored: int | None = None):
        self.task, self.ignored = task, -1 if ignored is None else ignored
        self.counts = np.zeros(0 if task.kind in ("regression", "image") else task.size or 0, int)
        self.values, self.examples = ValueStatistics(), 0
        self._kept: list[np.ndarray] = []

    def add(self, y: np.ndarray) -> None:
        """Adds the targets (B, ...) of a batch."""
        kind, self.examples = self.task.kind, self.examples + len(y)
        if kind == "image":
            self.values.add(y)
        elif kind == "regression":
            self._kept.append(y)
        elif kind == "multilabel":
            self.counts += (y > 0).sum(0)
        elif y.dtype.kind in "iu":
            kept = y[(y >= 0) & (y != self.ignored)]
            more = np.bincount(kept, minlength=len(self.counts))
            more[: len(self.counts)] += self.counts
            self.counts = more
            self._kept += [y] if y.ndim == 1 else []

    def labels(self) -> np.ndarray | None:
        """Returns the class of each example (N,); None for other targets."""
        return np.concatenate(self._kept) if self._kept and self.task.kind == "classification" else None

    def numbers(self) -> np.ndarray:
        """Returns the numbers of each example (N, numbers)."""
        return np.concatenate(self._kept)

    def describe(self) -> dict[str, Any]:
        """Returns what JSON can hold: the counts; of numbers and images mean, deviation, smallest and largest."""
        if self.task.kind == "image":
            return self.values.describe()
        if self.task.kind == "regression":
            numbers = self.numbers().astype("float64")
            parts = {"mean": numbers.mean(0), "deviation": numbers.std(0)}
            parts |= {"smallest": numbers.min(0), "largest": numbers.max(0)}
            return {key: part.tolist() for key, part in parts.items()}
        return {"counts": self.counts.tolist()}

    def warnings(self) -> list[str]:
        """Returns sentences on what is unusual about labels or numbers of the training split."""
        of = f" of {self.task.name}" if self.task.name else ""
        if self.task.kind == "regression":
            numbers = self.numbers()
            same = [self.name(i) for i in np.flatnonzero((numbers == numbers[:1]).all(0)).tolist()]
            return [f"numbers{of} that are the same in all training examples: {', '.join(same)}"] if same else []
        if self.task.kind == "multilabel":
            never = [self.name(i) for i in np.flatnonzero(self.counts == 0).tolist()]
            return [f"labels{of} that no training example has: {', '.join(never)}"] if never else []
        return []

    def name(self, number: int) -> str:
        """Returns the name of a class, label or number, or its number as text."""
        names = self.task.names
        return names[number] if names else str(number)


def data_tasks(tasks: Sequence[Task], classes: int | None, names: Sequence[str] | None) -> list[Task]:
    """Returns the tasks of a dataset with the number of classes and the names that it declares for a single one.

    >>> data_tasks([Task()], 2, ("cat", "dog"))[0].names
    ('cat', 'dog')
    """
    if len(tasks) > 1:
        return list(tasks)
    return [dataclasses.replace(tasks[0], size=classes, names=tuple(names) if names else tasks[0].names)]

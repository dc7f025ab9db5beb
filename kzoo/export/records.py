"""Records of predictions, as programs read them: classes, the classes of most pixels, labels, numbers, or images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kzoo.export.label_maps import class_shares
from kzoo.export.predict import Prediction
from kzoo.task import THRESHOLD, Task


def record_of(prediction: Prediction, labels: list[str] | None, top: int, tasks: Sequence[Task] = ()) -> dict[str, Any]:
    """Returns the record of a prediction, {file, index, top: [{class, label, score}, ...]}.

    Of a label map the record has shares: [{class, label, share}, ...] instead of top; of several labels labels:
    [{class, label, score}, ...], those with a score above 0.5; of numbers values: [number, ...], or {name: number} if
    they have names; of an image min, max and mean. With several tasks these names follow that of the output, as in
    digit_top. index: None for an image.
    Arguments: labels, the names of the classes; top, how many classes, those with the largest scores or shares; tasks,
    of the outputs, () for one of classes.
    """
    record: dict[str, Any] = {"file": str(prediction.file), "index": prediction.index}
    outputs = prediction.output if len(tasks) > 1 else [prediction.output]
    for task, output in zip(tasks or [Task()], outputs):
        prefix = f"{task.name}_" if task.name else ""
        names = list(task.names) if task.names else labels
        record |= {f"{prefix}{key}": value for key, value in _entries(task, output, names, top).items()}
    return record


def columns_of(prediction: Prediction, top: int, tasks: Sequence[Task] = ()) -> int:
    """Returns the number of classes that a record can have: `top`, but all of several labels."""
    if any(task.kind == "multilabel" for task in tasks):
        return max(task.size or 0 for task in tasks if task.kind == "multilabel")
    return top if len(tasks) > 1 else min(top, prediction.classes)


def _entries(task, output, names, top):
    """Returns the entries of a record for the output of one task."""
    if task.kind == "multilabel":
        return {"labels": [one for one in most_probable(output, names, len(output)) if one["score"] > THRESHOLD]}
    if task.kind == "regression":
        numbers = [float(str(number)) for number in output]
        return {"values": dict(zip(names, numbers)) if task.names else numbers}
    if task.kind == "image":
        return {name: float(str(getattr(np, name)(output))) for name in ("min", "max", "mean")}
    if output.ndim == 1:
        return {"top": most_probable(output, names, top)}
    return {"shares": class_shares(output, names, top)}


def most_probable(scores: np.ndarray, labels: list[str] | None, top: int) -> list[dict[str, Any]]:
    """Returns the `top` classes of one example; scores have as many digits as their dtype needs.

    >>> most_probable(np.float32([0.9, 0.1]), ["cat", "dog"], top=1)
    [{'class': 0, 'label': 'cat', 'score': 0.9}]
    """
    return [
        {"class": int(k), "label": labels[k] if labels else None, "score": float(str(scores[k]))}
        for k in np.argsort(-scores, kind="stable")[:top]
    ]

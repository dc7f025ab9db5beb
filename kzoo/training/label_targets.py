"""What losses and metrics expect of integer labels: which labels, and whether they are encoded one-hot."""

import dataclasses
import functools
import inspect
from typing import Any

import keras
import numpy as np
from keras import losses, metrics, ops

from kzoo.losses.label_loss import LabelLoss
from kzoo.types import Tensor

INTEGERS = (  # classes that take integer labels
    *(LabelLoss, losses.SparseCategoricalCrossentropy, losses.CategoricalGeneralizedCrossEntropy),
    *(metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy, metrics.SparseCategoricalCrossentropy),
)
OTHER = (losses.CTC, losses.Circle)  # losses that take integers which are not classes of the output
BINARY = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy, metrics.BinaryCrossentropy)
COMPARING = (metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy)  # any other label is wrong


@dataclasses.dataclass(frozen=True)
class LabelRange:
    """The labels that a loss or metric accepts: 0 to classes - 1, and `ignored`; `who` names it in messages."""

    who: str
    classes: int
    ignored: int | None = None

    def find_invalid(self, labels: np.ndarray) -> tuple[int, ...] | None:
        """Returns the index of the first label that is not accepted, None if there is none.

        >>> LabelRange("a loss", 3, ignored=255).find_invalid(np.array([[0, 2], [255, 3]]))
        (1, 1)
        """
        invalid = ~self.accepts(labels)
        return tuple(int(i) for i in np.argwhere(invalid)[0]) if invalid.any() else None

    def accepts(self, labels: Any) -> Any:
        """Returns where labels, of NumPy or TensorFlow, are accepted."""
        within = (labels >= 0) & (labels < self.classes)
        return within if self.ignored is None else within | (labels == self.ignored)

    def __str__(self) -> str:
        return f"labels from 0 to {self.classes - 1}" + ("" if self.ignored is None else f" or {self.ignored}")


def label_range(part: Any, where: str, classes: int) -> LabelRange | None:
    """Returns the labels that a loss or metric accepts for an output of `classes` channels; None for any label."""
    who, ignored = f"{where}: {type(part).__name__}", part.get_config().get("ignore_class")
    if isinstance(part, (*OTHER, *COMPARING)) or not _takes_labels(part):
        return None
    if getattr(part, "sparse_y_true", False):  # intersection over union
        return LabelRange(who, part.num_classes, ignored)
    if classes == 1 and not isinstance(part, INTEGERS):
        return LabelRange(who, 2) if isinstance(part, BINARY) else None
    return LabelRange(who, classes, ignored)


def give_one_hot(part: Any) -> Any:
    """Returns a loss or metric; one of Keras that takes no integer labels now encodes them one-hot.

    >>> metric = give_one_hot(metrics.CategoricalAccuracy())
    >>> metric.update_state([1, 0], [[0.2, 0.8], [0.1, 0.9]])
    >>> float(metric.result())
    0.5
    """
    sparse = isinstance(part, (*INTEGERS, *OTHER)) or getattr(part, "sparse_y_true", False)
    if not sparse and _takes_labels(part) and type(part).__module__.startswith("keras."):
        name = "call" if isinstance(part, losses.Loss) else "update_state"
        setattr(part, name, _with_one_hot(getattr(part, name)))
    return part


def one_hot_labels(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Returns labels (B, ...) or (B, ..., 1) one-hot in the shape of y_pred (B, ..., classes); others as they are.

    With one class, or one output that is no class, they only get the last axis.

    >>> one_hot_labels([2, 0], ops.ones((2, 3))).numpy().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    y_true, classes = ops.convert_to_tensor(y_true), y_pred.shape[-1]
    axes = len(y_pred.shape)
    if len(y_true.shape) == axes and y_true.shape[-1] == 1 != classes:
        y_true = ops.squeeze(y_true, -1)
    if len(y_true.shape) != axes - 1:
        return y_true
    if classes == 1:
        return y_true[..., None]
    return ops.one_hot(ops.cast(y_true, "int32"), classes, dtype=keras.backend.standardize_dtype(y_pred.dtype))


def _with_one_hot(method):
    @functools.wraps(method)
    def call(y_true, y_pred, *args, **kwargs):
        y_pred = ops.convert_to_tensor(y_pred)
        return method(one_hot_labels(y_true, y_pred), y_pred, *args, **kwargs)

    return call


def _takes_labels(part):
    """Returns whether a part compares labels with outputs; `Mean` and `Sum`, for example, do not."""
    return isinstance(part, losses.Loss) or "y_true" in inspect.signature(type(part).update_state).parameters

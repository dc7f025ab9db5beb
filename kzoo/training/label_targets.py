"""What losses and metrics expect of integer labels: which labels, and whether they are encoded one-hot."""

import dataclasses
import functools
import inspect
from typing import Any

import keras
import numpy as np
from keras import losses, metrics, ops

from kzoo.keras_names import existing
from kzoo.losses.label_loss import LabelLoss, align_weight
from kzoo.training.keras_objects import is_foreign
from kzoo.types import Tensor

INTEGERS = (  # classes that take integer labels
    *(LabelLoss, losses.SparseCategoricalCrossentropy, *existing(losses, "CategoricalGeneralizedCrossEntropy")),
    *(metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy, metrics.SparseCategoricalCrossentropy),
)
OTHER = existing(losses, "CTC", "Circle")  # losses that take integers which are not classes of the output
BINARY = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy, metrics.BinaryCrossentropy)
BASES = (losses.Loss, metrics.Metric, metrics.Mean, metrics.Sum, metrics.MeanMetricWrapper)
COMPARING = (metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy)  # any other label is wrong


@dataclasses.dataclass(frozen=True)
class LabelRange:
    """The labels that a loss or metric accepts: 0 to classes - 1, and `ignored`; `who` names it in messages.

    target: the name of the target that has these labels, "" if there is only one.
    """

    who: str
    classes: int
    ignored: int | None = None
    target: str = ""

    def labels_of(self, y: Any) -> Any:
        """Returns the labels of a batch's targets, one or {name: target}."""
        return y[self.target] if isinstance(y, dict) else y

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
    who, ignored = f"{where}: {type(part).__name__}", getattr(part, "ignore_class", None)
    if _is_free(part) or isinstance(part, (*OTHER, *COMPARING)) or not takes_labels(part):
        return None
    if getattr(part, "sparse_y_true", False):  # intersection over union
        return LabelRange(who, part.num_classes, ignored)
    if classes == 1 and not isinstance(part, INTEGERS):
        return LabelRange(who, 2) if isinstance(part, BINARY) else None
    return LabelRange(who, classes, ignored)


def give_one_hot(part: Any) -> Any:
    """Returns a loss or metric; one of Keras that takes no integer labels now encodes them one-hot.

    It leaves out the positions whose label is its attribute `ignore_class`, if it has one.

    >>> metric = give_one_hot(metrics.CategoricalAccuracy())
    >>> metric.update_state([1, 0], [[0.2, 0.8], [0.1, 0.9]])
    >>> float(metric.result())
    0.5
    """
    if needs_one_hot(part):
        ignored = getattr(part, "ignore_class", None)
        if isinstance(part, losses.Loss):
            part.call = _encoding_call(part.call, ignored)
        else:
            part.update_state = _encoding_update(part.update_state, ignored)
    return part


def needs_one_hot(part: Any) -> bool:
    """Returns whether a loss or metric is one of Keras that compares outputs with one-hot labels."""
    sparse = isinstance(part, (*INTEGERS, *OTHER)) or getattr(part, "sparse_y_true", False)
    of_keras = _library_class(part).__module__.startswith("keras.") and not _is_free(part)
    return not sparse and of_keras and takes_labels(part)


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


def _encoding_call(call, ignored):
    """Returns the `call` of a loss for integer labels; Keras takes the mean over the positions of the mask."""

    @functools.wraps(call)
    def encoding_call(y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        labels, counted = _split_ignored(y_true, y_pred, ignored)
        of_positions = call(one_hot_labels(labels, y_pred), y_pred)
        if counted is not None:
            of_positions._keras_mask = counted
        return of_positions

    return encoding_call


def _encoding_update(update, ignored):
    """Returns the `update_state` of a metric for integer labels; ignored ones have weight 0."""

    @functools.wraps(update)
    def encoding_update(y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        labels, counted = _split_ignored(y_true, y_pred, ignored)
        if counted is not None:
            weight = ops.cast(counted, "int32")  # of integers, because some metrics count
            shape = tuple(counted.shape)
            given = sample_weight is not None
            sample_weight = ops.multiply(weight, align_weight("a metric", sample_weight, shape)) if given else weight
        return update(one_hot_labels(labels, y_pred), y_pred, sample_weight=sample_weight)

    return encoding_update


def _split_ignored(y_true, y_pred, ignored):
    """Returns labels with 0 for `ignored`, and where they are others; None if nothing is ignored."""
    if ignored is None:
        return y_true, None
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape):
        y_true = ops.squeeze(y_true, -1)
    counted = y_true != ignored
    return ops.where(counted, y_true, 0), counted


def _library_class(part):
    """Returns the first class of Keras or kzoo that a loss or metric is an instance of."""
    return next((cls for cls in type(part).__mro__ if not is_foreign(cls)), type(part))


def _is_free(part):
    """Returns whether a loss or metric is the user's own and no variant of a known one: labels may mean anything."""
    return is_foreign(type(part)) and _library_class(part) in (*BASES, type(part))


def takes_labels(part):
    """Returns whether a part compares labels with outputs; `Mean` and `Sum`, for example, do not."""
    return isinstance(part, losses.Loss) or "y_true" in inspect.signature(type(part).update_state).parameters

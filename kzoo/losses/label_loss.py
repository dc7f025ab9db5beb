"""The base class of losses of integer labels, and checks of labels that kzoo's metrics share."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import Refusal, require
from kzoo.ops.sizes import after_checks, equal_sizes, every, require_size
from kzoo.types import Tensor

EXACT = {"float16": 2**11, "bfloat16": 2**8}  # up to here a dtype holds every integer; float32: up to 2**24


class LabelLoss(keras.losses.Loss):
    """A `keras.losses.Loss` of labels, which checks its arguments before Keras casts them.

    Shapes: y_true (B, ...) or (B, ..., 1), whole numbers from 0 to classes - 1; y_pred (B, ..., classes); sample_weight
    the first axes of (B, ...). A label out of range is refused where values are known, and makes the loss of its
    position NaN in a graph.
    Attributes: takes_one_hot, whether y_true of the shape of y_pred, of 0 and 1, is accepted as well; ignore_class, a
    label that need not be a class.
    """

    takes_one_hot = False
    ignore_class: int | None = None

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> Tensor:
        who = type(self).__name__
        y_pred = numbers(who, y_pred=y_pred)
        y_true = check_label_shape(who, numbers(who, y_true=y_true), y_pred, self.takes_one_hot)
        limit = EXACT.get(self.dtype, 2**24)
        require(y_pred.shape[-1] <= limit, who, f"at most {limit} classes in {self.dtype}", y_pred=tuple(y_pred.shape))
        self._check_labels(who, y_true, y_pred)
        if sample_weight is not None:
            sample_weight = align_weight(who, numbers(who, sample_weight=sample_weight), tuple(y_pred.shape[:-1]))
        return super().__call__(y_true, y_pred, sample_weight)

    def valid(self, y_true: Tensor, classes: int) -> Tensor:
        """Returns where labels are whole numbers from 0 to classes - 1, or `ignore_class`."""
        valid = (y_true >= 0) & (y_true < classes) & (y_true == y_true // 1)
        return valid if self.ignore_class is None else valid | (y_true == self.ignore_class)

    def targets(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns 1 for the classes of `y_true` and 0 for others in the shape of `y_pred`; NaN for an invalid label."""
        classes = y_pred.shape[-1]
        if len(y_true.shape) == len(y_pred.shape):
            targets, valid = y_true, (y_true == 0) | (y_true == 1)
        else:
            targets, valid = ops.one_hot(ops.cast(y_true, "int32"), classes), self.valid(y_true, classes)[..., None]
        return ops.where(valid, ops.cast(targets, y_pred.dtype), np.nan)

    def _check_labels(self, who, y_true, y_pred):
        labels, classes = known_values(y_true), y_pred.shape[-1]
        if labels is None:
            return
        one_hot = len(labels.shape) == len(y_pred.shape)
        wrong = ~(np.isin(labels, (0, 1)) if one_hot else np.asarray(self.valid(labels, classes)))
        if wrong.any():
            ignored = "" if self.ignore_class is None else f" or {self.ignore_class}"
            expected = "y_true of 0 and 1" if one_hot else f"y_true, whole numbers from 0 to {classes - 1}{ignored}"
            require(False, who, expected, y_true=labels[wrong][0].item())


def numbers(who: str, **argument: Any) -> Tensor:
    """Returns the one argument as a tensor. Raises Refusal, which names it, unless it has real numbers of one shape."""
    ((name, value),) = argument.items()
    try:
        value = ops.convert_to_tensor(value)
        dtype = keras.backend.standardize_dtype(value.dtype)
    except Exception as error:  # of any backend
        expected = f"{name}, a tensor of real numbers"
        raise Refusal(f"{who} expects {expected}; received {type(argument[name]).__name__}.") from error
    require(not dtype.startswith(("complex", "string")), who, f"{name}, a tensor of real numbers", dtype=dtype)
    return value


def check_label_shape(who: str, y_true: Tensor, y_pred: Tensor, takes_one_hot: bool = False) -> Tensor:
    """Returns labels without the trailing axis of size 1 that image formats add, as Keras's sparse losses accept them.

    Raises Refusal unless y_true has the shape of y_pred without the classes or, with `takes_one_hot`, that of y_pred.

    >>> check_label_shape("a loss", ops.ones((2, 4, 5, 1)), ops.ones((2, 4, 5, 3))).shape
    TensorShape([2, 4, 5])
    """
    of_labels, of_outputs = tuple(y_true.shape), tuple(y_pred.shape)
    known = len(of_outputs) > 1 and of_outputs[-1]
    require(known, who, "y_pred (batch, ..., classes)", y_pred=of_outputs)
    is_label = _fits(of_labels, of_outputs[:-1]) or _fits(of_labels, (*of_outputs[:-1], 1))
    good = is_label or (takes_one_hot and _fits(of_labels, of_outputs))
    shapes = "y_true (batch, ...) for y_pred (batch, ..., classes)" + ", or y_true of its shape" * takes_one_hot
    require(good, who, shapes, y_true=of_labels, y_pred=of_outputs)
    sizes = tuple(ops.shape(y_true)), tuple(ops.shape(y_pred))
    same = every(map(equal_sizes, sizes[0], sizes[1][:-1]))
    require_size(same, who, shapes, y_true=sizes[0], y_pred=sizes[1])
    return ops.reshape(after_checks(y_true), sizes[1][:-1] if is_label else sizes[1])


def align_weight(who: str, sample_weight: Tensor, shape: tuple[int | None, ...]) -> Tensor:
    """Returns weights of the first axes of `shape` with axes of size 1 for the others, so that they broadcast rightly.

    >>> align_weight("a loss", ops.ones((2,)), (2, 4, 2)).shape
    TensorShape([2, 1, 1])
    """
    of_weights = tuple(sample_weight.shape)
    if _fits(of_weights, (*shape, 1)):
        return ops.squeeze(sample_weight, -1)
    good = len(of_weights) <= len(shape) and all(
        weight in (None, 1, size) or size is None for weight, size in zip(of_weights, shape)
    )
    require(good, who, f"sample_weight of the first axes of {shape}", sample_weight=of_weights)
    added = range(len(of_weights), len(shape))
    return ops.expand_dims(sample_weight, tuple(added)) if of_weights and added else sample_weight


def known_values(tensor: Tensor) -> np.ndarray | None:
    """Returns the values of a tensor, None where it has none yet: while a graph is traced."""
    try:
        return np.asarray(ops.convert_to_numpy(tensor))
    except (NotImplementedError, TypeError, ValueError):
        return None


def _fits(shape, expected):
    return len(shape) == len(expected) and all(a == b or None in (a, b) for a, b in zip(shape, expected))

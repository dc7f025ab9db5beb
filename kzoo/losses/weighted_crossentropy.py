"""Cross-entropy with class weights and an ignored label, for segmentation.

Source: Badrinarayanan, Kendall & Cipolla 2017, "SegNet", arXiv:1511.00561, section 3.2 (weights by median frequency),
and the authors' Caffe, softmax_loss_layer.cpp, which divides by the number of labelled pixels.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import as_bool, is_integer, is_number, require
from kzoo.losses.label_loss import LabelLoss
from kzoo.types import Tensor

DIVISORS = ("weights", "positions")


@keras.saving.register_keras_serializable("kzoo")
class WeightedCrossentropy(LabelLoss):
    """Mean cross-entropy in which each position has the weight of its label's class, and `ignore_class` has none.

    Shapes: y_true (B, ...) or (B, ..., 1) integers; y_pred (B, ..., classes) probabilities, or logits with
    `from_logits`. The result is the sum of w_y * -log p_y over all positions of the batch, divided as `divide_by` says,
    and 0 if all are ignored.
    Arguments: class_weight, a number of at least 0 for each class, or None for equal weights; ignore_class, a label;
    from_logits; divide_by, "weights", the sum of w_y, as PyTorch's with `weight`, or "positions", the number of
    positions that are not ignored, as SegNet's Caffe. With weights whose mean over the positions is not 1, the two
    differ by it, and so do their gradients.
    ValueError if class_weight and y_pred differ in the number of classes.

    >>> loss = WeightedCrossentropy([1.0, 3.0], ignore_class=2)
    >>> y, p = [[0, 1, 2]], [[[0.5, 0.5], [0.75, 0.25], [0.9, 0.1]]]
    >>> round(float(loss(y, p)), 4)  # (log 2 + 3 log 4) / (1 + 3)
    1.213
    >>> round(float(WeightedCrossentropy([1.0, 3.0], ignore_class=2, divide_by="positions")(y, p)), 4)  # ... / 2
    2.426
    """

    def __init__(
        self,
        class_weight: Sequence[float] | None = None,
        ignore_class: int | None = None,
        from_logits: bool = False,
        divide_by: str = "weights",
        name: str | None = None,
        **kwargs: Any,
    ):
        who = "WeightedCrossentropy"
        good = class_weight is None or (
            isinstance(class_weight, (list, tuple))
            and all(is_number(w) and 0 <= w < math.inf for w in class_weight)
            and any(class_weight)
        )
        require(good, who, "class_weight, numbers of at least 0, not all 0, or None", class_weight=class_weight)
        good = ignore_class is None or is_integer(ignore_class)
        require(good, who, "ignore_class, an integer or None", ignore_class=ignore_class)
        require(divide_by in DIVISORS, who, f"divide_by, one of {DIVISORS}", divide_by=divide_by)
        super().__init__(name=name or "weighted_crossentropy", **kwargs)
        self.class_weight = None if class_weight is None else [float(w) for w in class_weight]
        self.ignore_class, self.from_logits = ignore_class, as_bool(who, from_logits=from_logits)
        self.divide_by = divide_by

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        classes = y_pred.shape[-1]
        weights = [1.0] * classes if self.class_weight is None else self.class_weight
        expected = f"{len(weights)} classes, one per weight"
        require(len(weights) == classes, self.name, expected, y_pred=tuple(y_pred.shape))
        labelled = ops.ones_like(y_true, dtype="bool") if self.ignore_class is None else y_true != self.ignore_class
        valid = self.valid(y_true, classes)
        labels = ops.cast(ops.where(labelled & valid, y_true, 0), "int32")
        weight = ops.where(labelled, ops.take(ops.convert_to_tensor(weights, y_pred.dtype), labels), 0)
        losses = keras.losses.sparse_categorical_crossentropy(labels, y_pred, from_logits=self.from_logits)
        losses = ops.where(valid, losses, np.nan)
        counted = weight if self.divide_by == "weights" else ops.cast(labelled, weight.dtype)
        # Keras then takes the mean over all positions
        return weight * losses * _safe_ratio(ops.cast(ops.size(weight), weight.dtype), ops.sum(counted))

    def get_config(self):
        names = ("class_weight", "ignore_class", "from_logits", "divide_by")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _safe_ratio(a, b):
    return ops.where(b > 0, a / ops.where(b > 0, b, 1), 0)

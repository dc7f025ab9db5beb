"""Crossentropy over classes that count differently, and places that do not count: the loss of segmentation.

Source: Badrinarayanan, Kendall & Cipolla 2017, "SegNet", arXiv:1511.00561, section 4 (weights by median frequency).
"""

import math

import keras
from keras import ops

from kzoo.checks import is_integer, is_number, require


@keras.saving.register_keras_serializable("kzoo")
class WeightedCrossentropy(keras.losses.Loss):
    """Mean crossentropy in which a place weighs as its label's class does, and those of `ignore_class` not at all.

    Shapes: y_true (B, ...) or (B, ..., 1) whole numbers; y_pred (B, ..., classes) probabilities, or logits if
    `from_logits`. The result is sum w_y * -log p_y / sum w_y over all places of the batch, as PyTorch's with `weight`;
    0 if none counts.
    Arguments: class_weight, a number of at least 0 for each class, or None for equal ones; ignore_class, a label.
    Errors: ValueError that names the argument; or that y_pred has another number of classes than class_weight.

    >>> loss = WeightedCrossentropy([1.0, 3.0], ignore_class=2)
    >>> round(float(loss([[0, 1, 2]], [[[0.5, 0.5], [0.75, 0.25], [0.9, 0.1]]])), 4)  # (log 2 + 3 log 4) / 4
    1.213
    """

    def __init__(self, class_weight=None, ignore_class=None, from_logits=False, name=None, **kwargs):
        who = "WeightedCrossentropy"
        given = [] if class_weight is None else class_weight
        good = isinstance(given, (list, tuple)) and all(is_number(w) and 0 <= w < math.inf for w in given)
        good = good and (class_weight is None or any(given))
        require(good, who, "class_weight, numbers of at least 0, not all 0, or None", class_weight=class_weight)
        whole = ignore_class is None or is_integer(ignore_class)
        require(whole, who, "ignore_class, an integer or None", ignore_class=ignore_class)
        super().__init__(name=name or "weighted_crossentropy", **kwargs)
        self.class_weight = None if class_weight is None else [float(w) for w in class_weight]
        self.ignore_class, self.from_logits = ignore_class, from_logits

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(label_maps(y_true, y_pred), "int32")
        classes = y_pred.shape[-1]
        weights = [1.0] * classes if self.class_weight is None else self.class_weight
        require(len(weights) == classes, self.name, f"{len(weights)} classes, one a weight", y_pred=tuple(y_pred.shape))
        counts = ops.ones_like(y_true, dtype="bool") if self.ignore_class is None else y_true != self.ignore_class
        known = ops.where(counts, y_true, 0)
        weight = ops.where(counts, ops.take(ops.convert_to_tensor(weights, y_pred.dtype), known), 0)
        each = keras.losses.sparse_categorical_crossentropy(known, y_pred, from_logits=self.from_logits)
        # Keras then takes the mean over all places
        return weight * each * _safe_ratio(ops.cast(ops.size(weight), weight.dtype), ops.sum(weight))

    def get_config(self):
        own = ("class_weight", "ignore_class", "from_logits")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def label_maps(y_true, y_pred):
    """Labels without the last axis of size 1 that image formats give them, as Keras's sparse losses allow.

    >>> label_maps(ops.ones((2, 4, 5, 1)), ops.ones((2, 4, 5, 3))).shape
    TensorShape([2, 4, 5])
    """
    y_true = ops.convert_to_tensor(y_true)
    extra = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    return ops.squeeze(y_true, -1) if extra else y_true


def _safe_ratio(a, b):
    return ops.where(b > 0, a / ops.where(b > 0, b, 1), 0)

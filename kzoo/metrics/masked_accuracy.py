"""Pixel accuracy of segmentation without the unlabelled pixels.

Source: "global accuracy" in Badrinarayanan, Kendall & Cipolla 2017, arXiv:1511.00561, section 4.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.losses.label_loss import align_weight, check_label_shape, numbers
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class MaskedAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The share of positions whose most probable class is the label, without those labelled `ignore_class`.

    Shapes: y_true (B, ...) or (B, ..., 1) integers; y_pred (B, ..., classes).
    Its default name "accuracy" makes it the accuracy of a run whose config lists it.

    >>> metric = MaskedAccuracy(ignore_class=11)
    >>> metric.update_state([[0, 1, 11]], [[[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, ignore_class: int, name: str | None = "accuracy", dtype: Any = None):
        require(is_integer(ignore_class), "MaskedAccuracy", "ignore_class, an integer", ignore_class=ignore_class)
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        who = "MaskedAccuracy"
        y_pred = numbers(who, y_pred=y_pred)
        y_true = check_label_shape(who, numbers(who, y_true=y_true), y_pred)
        labelled = ops.cast(ops.cast(y_true, "float32") != self.ignore_class, "float32")
        if sample_weight is not None:
            weight = align_weight(who, numbers(who, sample_weight=sample_weight), tuple(y_true.shape))
            labelled *= ops.cast(weight, "float32")
        super().update_state(y_true, y_pred, sample_weight=labelled)

    def get_config(self):
        return {**super().get_config(), "ignore_class": self.ignore_class}

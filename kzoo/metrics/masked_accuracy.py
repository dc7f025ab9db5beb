"""Accuracy over the places that count: of segmentation, whose maps leave some pixels unlabelled.

Source: none; "global accuracy" in Badrinarayanan, Kendall & Cipolla 2017, arXiv:1511.00561, section 4.
"""

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.losses.weighted_crossentropy import label_maps


@keras.saving.register_keras_serializable("kzoo")
class MaskedAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """How often the likeliest class is the label, over all places whose label is not `ignore_class`.

    Shapes: y_true (B, ...) or (B, ..., 1) whole numbers, y_pred (B, ..., classes). Its name, "accuracy", makes it the
    accuracy of a run whose config lists it. Errors: ValueError if ignore_class is no integer.

    >>> metric = MaskedAccuracy(ignore_class=11)
    >>> metric.update_state([[0, 1, 11]], [[[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, ignore_class, name="accuracy", dtype=None):
        require(is_integer(ignore_class), "MaskedAccuracy", "ignore_class, an integer", ignore_class=ignore_class)
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = label_maps(y_true, ops.convert_to_tensor(y_pred))
        counts = ops.cast(y_true != self.ignore_class, "float32")
        weight = counts if sample_weight is None else counts * ops.cast(sample_weight, "float32")
        super().update_state(y_true, y_pred, sample_weight=weight)

    def get_config(self):
        return {**super().get_config(), "ignore_class": self.ignore_class}

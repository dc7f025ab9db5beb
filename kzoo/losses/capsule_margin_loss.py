"""The margin loss of capsules: the label's capsule should be long, all others short.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 3, equation 4.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class CapsuleMarginLoss(keras.losses.Loss):
    """The margin loss of capsules: long for the label, short for all other classes.

    sum_k T_k max(0, m_plus - |v_k|)^2 + down_weight (1 - T_k) max(0, |v_k| - m_minus)^2, where T_k is 1 for the label
    and 0 otherwise.
    Shapes: y_true (B,) or (B, 1) integers; y_pred (B, K), the lengths of K capsules.
    Arguments: m_plus and m_minus, the lengths beyond which the loss is 0; down_weight of the absent classes, so that
    they do not shrink all capsules at first; name, reduction and dtype as `keras.losses.Loss`. (The authors' program
    also halves the sum.)

    >>> loss = CapsuleMarginLoss()(ops.array([0]), ops.array([[0.4, 0.3]]))
    >>> round(float(loss), 6)  # 0.5^2 + 0.5 * 0.2^2
    0.27
    """

    def __init__(
        self,
        m_plus: float = 0.9,
        m_minus: float = 0.1,
        down_weight: float = 0.5,
        name: str | None = "capsule_margin_loss",
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        for setting, value in {"m_plus": m_plus, "m_minus": m_minus, "down_weight": down_weight}.items():
            good = is_number(value) and 0 <= value < math.inf
            require(good, "CapsuleMarginLoss", f"{setting}, a number of at least 0", **{setting: value})
            setattr(self, setting, float(value))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        require(len(y_pred.shape) == 2, "CapsuleMarginLoss", "lengths (batch, capsules)", shape=tuple(y_pred.shape))
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        present = ops.one_hot(labels, y_pred.shape[1], dtype=y_pred.dtype)
        short, long = ops.relu(self.m_plus - y_pred), ops.relu(y_pred - self.m_minus)
        return ops.sum(present * short**2 + self.down_weight * (1 - present) * long**2, -1)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in ("m_plus", "m_minus", "down_weight")}}

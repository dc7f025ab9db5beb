"""The margin loss of capsules: the label's capsule should be long, all others short.

Source: Sabour, Frosst & Hinton 2017, "Dynamic routing between capsules", arXiv:1710.09829, section 3, equation 4.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.losses.label_loss import LabelLoss
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class CapsuleMarginLoss(LabelLoss):
    """The margin loss of capsules: long for the classes that are present, short for all others.

    sum_k T_k max(0, m_plus - |v_k|)^2 + down_weight (1 - T_k) max(0, |v_k| - m_minus)^2, where T_k is 1 for a class
    that is present and 0 otherwise.
    Shapes: y_true (B,) or (B, 1), a label for each example, or (B, K) of 0 and 1, one-hot or with several classes
    present; y_pred (B, K), the lengths of K capsules. With K = 1, y_true (B, 1) is a label.
    Arguments: m_plus and m_minus, the lengths beyond which the loss is 0; down_weight of the absent classes, so that
    they do not shrink all capsules at first; name, reduction and dtype as `keras.losses.Loss`. (The authors' program
    takes half the mean over the K classes, 1 / (2 K) of this sum.)

    >>> loss = CapsuleMarginLoss()(ops.array([0]), ops.array([[0.4, 0.3]]))
    >>> round(float(loss), 6)  # 0.5^2 + 0.5 * 0.2^2
    0.27
    >>> float(CapsuleMarginLoss()(ops.array([[1, 1, 0]]), ops.array([[0.9, 0.95, 0.1]])))  # two classes are present
    0.0
    """

    takes_one_hot = True

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
        require(len(y_pred.shape) == 2, "CapsuleMarginLoss", "y_pred (batch, capsules)", y_pred=tuple(y_pred.shape))
        present = self.targets(y_true, y_pred)
        short, long = ops.relu(self.m_plus - y_pred), ops.relu(y_pred - self.m_minus)
        return ops.sum(present * short**2 + self.down_weight * (1 - present) * long**2, -1)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in ("m_plus", "m_minus", "down_weight")}}

"""LeNet-5's loss: the prototype of the right class should be near, the others far.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.C,
equation 9 (maximum a posteriori); the paper does not give j.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.checks import is_number, require
from kzoo.losses.label_loss import LabelLoss
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class RBFLoss(LabelLoss):
    """LeNet-5's loss for squared distances y_i and the right class d: y_d + log(exp(-j) + sum over i of exp(-y_i)).

    Shapes: y_true (B,) or (B, 1) integers; y_pred (B, classes), the negative distances, as the layer `RBF` outputs
    them.
    Arguments: j, a number above 0: the distance of a rubbish class without a prototype, so that larger distances are
    hardly pushed further; reduction, name and dtype as `keras.losses.Loss`.
    Without the logarithm, training could end with all prototypes and all outputs at one point.

    >>> loss = RBFLoss(j=1.0)(ops.array([0]), ops.array([[-2.0, -3.0]]))  # 2 + log(e^-1 + e^-2 + e^-3)
    >>> round(float(loss), 4)
    1.4076
    """

    def __init__(
        self,
        j: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "rbf_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        require(is_number(j) and 0 < j < math.inf, "RBFLoss", "j, a number above 0", j=j)
        self.j = float(j)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        require(len(y_pred.shape) == 2, "RBFLoss", "y_pred (batch, classes)", y_pred=tuple(y_pred.shape))
        target = self.targets(y_true, y_pred)
        rubbish = ops.full_like(y_pred[:, :1], -self.j)
        # logsumexp, so that exponentials of large distances do not underflow
        return ops.logsumexp(ops.concatenate([y_pred, rubbish], -1), -1) - ops.sum(target * y_pred, -1)

    def get_config(self):
        return {**super().get_config(), "j": self.j}

"""LeNet-5's loss: the right prototype is to be near, and the others are not.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.C,
equation 9 (maximum a posteriori); the paper does not give j.
"""

import math

import keras
from keras import ops

from kzoo.checks import is_number, require


@keras.saving.register_keras_serializable("kzoo")
class RBFLoss(keras.losses.Loss):
    """y_d + log(exp(-j) + sum over i of exp(-y_i)), of squared distances y_i and the right class d, the batch's mean.

    Shapes: labels (B,) or (B, 1) integers; outputs (B, classes), minus the distances, as the layer `RBF` gives them.
    Without the logarithm training could end with all prototypes and all outputs in one place. Distances beyond j are
    pushed no further: it is the distance of a rubbish class, from which no prototype is.
    Arguments: j, a number above 0. Errors: ValueError that names it. Source: this file's head.

    >>> loss = RBFLoss(j=1.0)(ops.array([0]), ops.array([[-2.0, -3.0]]))  # 2 + log(e^-1 + e^-2 + e^-3)
    >>> round(float(loss), 4)
    1.4076
    """

    def __init__(self, j=1.0, reduction="sum_over_batch_size", name="rbf_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        require(is_number(j) and 0 < j < math.inf, "RBFLoss", "j, a number above 0", j=j)
        self.j = float(j)

    def call(self, y_true, y_pred):
        target = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), y_pred.shape[-1], dtype=y_pred.dtype)
        rubbish = ops.full_like(y_pred[:, :1], -self.j)
        # of all at once, so that exponentials of large distances do not vanish
        return ops.logsumexp(ops.concatenate([y_pred, rubbish], -1), -1) - ops.sum(target * y_pred, -1)

    def get_config(self):
        return {**super().get_config(), "j": self.j}

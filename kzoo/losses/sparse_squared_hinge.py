"""The loss of linear one-against-all support vector machines: the sum of squared hinges.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", section 4, whose
L2-SVM minimises 1/2 |w|^2 + C * (the mean of this loss). With Keras's L2(1 / (2 C)) on the kernel the two are equal.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.losses.label_loss import LabelLoss
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class SparseSquaredHinge(LabelLoss):
    """The sum over classes of max(0, 1 - t s)^2, for the class's score s and t = 1 for the label, -1 otherwise.

    Shapes: y_true (B, ...) or (B, ..., 1) integers; y_pred (B, ..., classes), scores without an activation, of at least
    two classes.
    Arguments: reduction and name as `keras.losses.Loss`.

    >>> float(SparseSquaredHinge()([1], [[-0.5, 2.0, -3.0]]))
    0.25
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "sparse_squared_hinge", **kwargs: Any
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        enough = y_pred.shape[-1] > 1
        require(enough, "SparseSquaredHinge", "scores of two classes or more", y_pred=tuple(y_pred.shape))
        signs = 2 * self.targets(y_true, y_pred) - 1
        return ops.sum(ops.relu(1 - signs * y_pred) ** 2, -1)

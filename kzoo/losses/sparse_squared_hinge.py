"""The loss of linear support vector machines, one against all others for each class: squared hinges, added.

Source: Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", section 4, whose
L2-SVM minimises 1/2 |w|^2 + C * (the mean of this loss), so that with Keras's L2(1 / (2 C)) on the kernel it is theirs.
"""

import keras
from keras import ops

from kzoo.checks import require


@keras.saving.register_keras_serializable("kzoo")
class SparseSquaredHinge(keras.losses.Loss):
    """The sum over classes of max(0, 1 - t s)^2: s the class's score, t 1 for the right class and -1 for the others.

    Shapes: y_true (B, ...) or (B, ..., 1), whole numbers; y_pred (B, ..., classes), scores without an activation.
    Arguments: reduction and name, as of Keras's losses.
    Errors: ValueError for scores of fewer than two classes. Source: this file's head.

    >>> float(SparseSquaredHinge()([1], [[-0.5, 2.0, -3.0]]))
    0.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="sparse_squared_hinge", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        scores = ops.convert_to_tensor(y_pred)
        classes = scores.shape[-1]
        require((classes or 0) > 1, "SparseSquaredHinge", "scores of two classes or more", y_pred=tuple(scores.shape))
        labels = ops.cast(y_true, "int32")
        labels = ops.squeeze(labels, -1) if len(labels.shape) == len(scores.shape) else labels
        signs = 2 * ops.one_hot(labels, classes, dtype=scores.dtype) - 1
        return ops.sum(ops.relu(1 - signs * scores) ** 2, -1)

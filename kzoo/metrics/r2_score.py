"""The coefficient of determination of regression, exact also for numbers far from zero.

Source: the definition 1 - sum (y - p)^2 / sum (y - mean y)^2; Chan, Golub & LeVeque 1983, "Algorithms for computing the
sample variance", equation 2.1, for adding a batch. Keras's R2Score subtracts a squared mean from a mean of squares,
which in float32 leaves nothing of years or of pixels with a large offset.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import require
from kzoo.losses.label_loss import numbers
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class R2Score(keras.metrics.Metric):
    """The share of the variance of the targets that the outputs explain, as the mean over the numbers of an example.

    Shapes: y_true and y_pred (B, k). 1 is best, 0 as good as the mean, and less is worse. A number that is the same in
    all examples counts as 1 where all outputs equal it, otherwise as 0, as in scikit-learn.

    >>> metric = R2Score()
    >>> metric.update_state([[2000.0], [2002.0]], [[2000.5], [2002.0]])
    >>> float(metric.result())
    0.875
    """

    def __init__(self, name: str | None = "r2", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.count: Any = None
        self.mean: Any = None

    def _add_variables(self, size):
        self.count = self.add_variable((), "zeros", name="count")
        self.mean, self.scatter, self.residual = (
            self.add_variable((size,), "zeros", name=name) for name in ("mean", "scatter", "residual")
        )

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        y_true = ops.cast(numbers("R2Score", y_true=y_true), self.dtype)
        y_pred = ops.cast(numbers("R2Score", y_pred=y_pred), self.dtype)
        shapes = {"y_true": tuple(y_true.shape), "y_pred": tuple(y_pred.shape)}
        fits = len(y_true.shape) == len(y_pred.shape) == 2 and y_true.shape[1] == y_pred.shape[1]
        require(fits, "R2Score", "y_true and y_pred (batch, numbers)", **shapes)
        if self.mean is None:
            self._add_variables(y_true.shape[1])
        weight = ops.ones_like(y_true[:, :1]) if sample_weight is None else ops.cast(sample_weight, self.dtype)
        weight = ops.reshape(weight, (-1, 1))
        added = ops.sum(weight)
        total = self.count + added
        share = ops.where(total > 0, added / ops.where(total > 0, total, 1), 0)
        mean = self.mean + ops.sum(weight * (y_true - self.mean), 0) / ops.where(added > 0, added, 1)
        shift = mean - self.mean
        within = ops.sum(weight * (y_true - mean) ** 2, 0)
        self.scatter.assign(self.scatter + within + self.count * share * shift**2)
        self.residual.assign(self.residual + ops.sum(weight * (y_true - y_pred) ** 2, 0))
        self.mean.assign(self.mean + share * shift)
        self.count.assign(total)

    def result(self) -> Tensor:
        if self.mean is None:
            return ops.zeros((), self.dtype)
        constant = self.scatter <= 0
        scores = 1 - self.residual / ops.where(constant, 1, self.scatter)
        return ops.mean(ops.where(constant, ops.cast(self.residual <= 0, self.dtype), scores))

    def reset_state(self) -> None:
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, variable.dtype))

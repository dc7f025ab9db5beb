"""Sets the weights that an epoch is evaluated with: moving averages, and recomputed statistics of batch norms.

Keras's SwapEMAWeights rounds the weights at each swap, and leaves the wrong ones if a callback stops the training.
"""

from typing import Any

import keras

from kzoo.training.batch_statistics import BatchStatistics


class EvaluatedWeights(keras.callbacks.Callback):
    """Callback: sets the weights to evaluate at the end of each epoch, before validation and other callbacks.

    Trainable weights become their moving averages if the optimizer has `use_ema`; those of batch norms, the averages
    over the batches of `statistics`. At the end of training Keras itself sets the moving averages.
    Its `restore`, a callback too, sets the trained weights again: it comes after the callbacks that evaluate and save,
    and before the checkpoint.
    """

    def __init__(self, statistics: BatchStatistics | None = None):
        super().__init__()
        self.statistics, self.trained = statistics, None
        self.restore = keras.callbacks.LambdaCallback(on_epoch_end=self._restore)

    def on_test_begin(self, logs=None):
        self._set()

    def on_epoch_end(self, epoch, logs=None):
        self._set()

    def _set(self):
        if self.trained is not None:  # by the validation of the epoch
            return
        averages = moving_averages(self.model.optimizer)
        self.trained = [weight.numpy() for weight, _ in averages]
        for weight, average in averages:
            weight.assign(average)
        if self.statistics:
            self.statistics.recompute()

    def _restore(self, epoch, logs=None):
        for (weight, _), value in zip(moving_averages(self.model.optimizer), self.trained):
            weight.assign(value)
        self.trained = None


def moving_averages(optimizer: Any) -> list[tuple[Any, Any]]:
    """Returns pairs (weight, moving average) of a built optimizer; none without `use_ema`."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # that of a LossScaleOptimizer
    pairs: list[tuple[Any, Any]] = []
    for part in getattr(inner, "optimizers", [inner]):  # those of a MultiOptimizer
        if part.use_ema:
            pairs += zip(part._trainable_variables, part._model_variables_moving_average)
    return [(weight, average) for weight, average in pairs if average is not None]

"""Recomputes the moving statistics of batch norms, which lag behind the weights in trainings of few steps.

Source: PyTorch 2's `torch.optim.swa_utils.update_bn`: equally weighted averages over batches; SegNet's authors compute
theirs so after training (compute_bn_statistics.py).
"""

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from kzoo.models.layer_paths import layer_paths


class BatchStatistics:
    """Sets the moving statistics of a model's batch norms to their averages over batches, in training mode.

    Frozen batch norms keep theirs; so does all else that training mode changes, such as the seeds of dropout.
    Arguments: batches, of inputs, one pass.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> BatchStatistics(model, [tf.constant([[1.0], [3.0]]), tf.constant([[5.0], [9.0]])]).recompute()
    >>> [value.item() for value in model.get_weights()[2:]]  # of means 2 and 7, of variances 1 and 4
    [4.5, 2.5]
    """

    def __init__(self, model: keras.Model, batches: Iterable[Any]):
        self.model, self.batches, self.norms = model, batches, trained_norms(model)
        self._moving = [value for norm in self.norms for value in (norm.moving_mean, norm.moving_variance)]
        self._sums = [tf.Variable(tf.zeros(value.shape, value.dtype)) for value in self._moving]
        self._add = tf.function(self._add_batch, autograph=False, reduce_retracing=True)

    def recompute(self) -> None:
        """Runs the model on all batches and assigns the averages."""
        momenta, count = [norm.momentum for norm in self.norms], 0
        others = [
            value for value in self.model.non_trainable_variables if all(value is not own for own in self._moving)
        ]
        before = [value.numpy() for value in others]
        for total in self._sums:
            total.assign(tf.zeros_like(total))
        try:
            for norm in self.norms:
                norm.momentum = 0.0  # the moving statistics become those of the batch
            for inputs in self.batches:
                self._add(inputs)
                count += 1
        finally:
            for norm, momentum in zip(self.norms, momenta):
                norm.momentum = momentum
        for value, total in zip(self._moving, self._sums):
            value.assign(total / count)
        for value, kept in zip(others, before):
            value.assign(kept)

    def _add_batch(self, inputs):
        self.model(inputs, training=True)
        for value, total in zip(self._moving, self._sums):
            total.assign_add(value.value)


def trained_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Returns the batch norms of a model, also of models that it holds, that are not frozen, each once."""
    found = {id(layer): layer for layer in layer_paths(model).values()}.values()
    return [layer for layer in found if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]

"""Gradient descent whose momentum changes during training.

Source: Goodfellow et al. 2013, "Maxout networks", arXiv:1302.4389, and pylearn2's `Momentum` with a `MomentumAdjustor`
(pylearn2/training_algorithms/learning_rule.py).
"""

from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from kzoo.schedules.scheduled_value import check_scheduled, value_at
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class ScheduledMomentumSGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` whose momentum may be a schedule, as its learning rate may.

    velocity = momentum(step) * velocity - learning_rate(step) * gradient; weight += velocity, or with `nesterov`
    weight += momentum(step) * velocity - learning_rate(step) * gradient.
    Arguments: learning_rate; momentum, a number from 0 to 1 or a schedule; nesterov; further ones of SGD. A
    momentum rises by a `PolynomialDecay` whose end_learning_rate is above its initial_learning_rate.

    >>> rising = keras.optimizers.schedules.PolynomialDecay(0.5, 100, end_learning_rate=0.75)
    >>> weight = keras.Variable([1.0])
    >>> ScheduledMomentumSGD(0.25, momentum=rising).apply([ops.ones(1)], [weight])
    >>> float(weight[0])
    0.75
    """

    scheduled = ("momentum",)  # settings besides learning_rate that may be schedules

    def __init__(self, learning_rate: Any = 0.01, momentum: Any = 0.0, nesterov: bool = False, **kwargs: Any):
        check_scheduled("ScheduledMomentumSGD", most=1, momentum=momentum)
        super().__init__(learning_rate, nesterov=nesterov, **kwargs)
        self.momentum = momentum

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        if not isinstance(self.momentum, LearningRateSchedule):
            super().update_step(gradient, variable, learning_rate)
            return
        # the steps that the learning rate counts too: with gradient_accumulation_steps, those of all batches
        momentum = ops.cast(value_at(self.momentum, self._iterations), variable.dtype)
        step = ops.multiply(ops.cast(gradient, variable.dtype), ops.cast(learning_rate, variable.dtype))
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(velocity, ops.subtract(ops.multiply(velocity, momentum), step))
        nesterov = ops.subtract(ops.multiply(velocity, momentum), step) if self.nesterov else velocity
        self.assign_add(variable, nesterov)

    def get_config(self):
        return {**super().get_config(), "momentum": keras.saving.serialize_keras_object(self.momentum)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**keras.saving.deserialize_keras_object(config, custom_objects=custom_objects))

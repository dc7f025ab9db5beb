"""Warm-up: a learning rate that rises in a line before it follows another schedule.

Source: Goyal et al. 2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677, section 2.2.
"""

from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from kzoo.checks import is_integer, require
from kzoo.schedules.scheduled_value import check_scheduled, value_at
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class Warmup(LearningRateSchedule):
    """A schedule that rises in a line from initial_learning_rate to `learning_rate`, which it then follows.

    During the first warmup_steps steps, initial + (rate - initial) * step / warmup_steps. A schedule counts its steps
    from the start of the training, so that its boundaries include the warm-up; in a `SequentialSchedule` it starts
    after it.
    Arguments: learning_rate, a number of at least 0 or a schedule; warmup_steps, an integer above 0;
    initial_learning_rate, a number of at least 0.

    >>> rate = Warmup(0.8, warmup_steps=4)
    >>> [round(float(rate(step)), 2) for step in range(6)]
    [0.0, 0.2, 0.4, 0.6, 0.8, 0.8]
    """

    def __init__(self, learning_rate: Any, warmup_steps: int, initial_learning_rate: float = 0.0):
        check_scheduled("Warmup", learning_rate=learning_rate)
        steps = is_integer(warmup_steps, least=1)
        require(steps, "Warmup", "warmup_steps, an integer above 0", warmup_steps=warmup_steps)
        check_scheduled("Warmup", initial_learning_rate=initial_learning_rate)
        self.learning_rate, self.warmup_steps = learning_rate, int(warmup_steps)
        self.initial_learning_rate = initial_learning_rate

    def __call__(self, step: Tensor) -> Tensor:
        risen = ops.minimum(ops.cast(step, keras.config.floatx()) / self.warmup_steps, 1.0)
        initial = value_at(self.initial_learning_rate, step)
        return initial + (value_at(self.learning_rate, step) - initial) * risen

    def get_config(self):
        names = ("learning_rate", "warmup_steps", "initial_learning_rate")
        return keras.saving.serialize_keras_object({name: getattr(self, name) for name in names})

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))

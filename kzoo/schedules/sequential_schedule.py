"""A schedule composed of others, one after another.

Source: PyTorch's `SequentialLR`; Optax's `join_schedules`.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from kzoo.checks import is_integer, require
from kzoo.schedules.scheduled_value import check_scheduled, value_at
from kzoo.types import Tensor


@keras.saving.register_keras_serializable("kzoo")
class SequentialSchedule(LearningRateSchedule):
    """A schedule that follows the first of `schedules` until the first of `boundaries`, then the next one, and so on.

    The first step of schedule i + 1 is step boundaries[i], which is step 0 of that schedule.
    Arguments: schedules, at least one, schedules or numbers of at least 0; boundaries, integers above 0 in rising
    order, one fewer than schedules.

    >>> decay = keras.optimizers.schedules.ExponentialDecay(0.8, 1, 0.5)
    >>> rate = SequentialSchedule([0.1, decay], boundaries=[2])
    >>> [round(float(rate(step)), 2) for step in range(5)]
    [0.1, 0.1, 0.8, 0.4, 0.2]
    """

    def __init__(self, schedules: Sequence[Any], boundaries: Sequence[int]):
        who = "SequentialSchedule"
        listed = isinstance(schedules, (list, tuple)) and len(schedules) > 0
        require(listed, who, "schedules, a list of schedules and numbers", schedules=schedules)
        for index, schedule in enumerate(schedules):
            check_scheduled(who, **{f"schedules[{index}]": schedule})
        rising = isinstance(boundaries, (list, tuple)) and all(is_integer(each, least=1) for each in boundaries)
        rising = rising and all(a < b for a, b in zip(boundaries, boundaries[1:]))
        count = f"boundaries, integers above 0 in rising order, {len(schedules) - 1} of them"
        require(rising and len(boundaries) == len(schedules) - 1, who, count, boundaries=boundaries)
        self.schedules, self.boundaries = list(schedules), [int(each) for each in boundaries]

    def __call__(self, step: Tensor) -> Tensor:
        step = ops.convert_to_tensor(step)
        value = value_at(self.schedules[0], step)
        for start, schedule in zip(self.boundaries, self.schedules[1:]):
            value = ops.where(step < start, value, value_at(schedule, ops.maximum(step - start, 0)))
        return value

    def get_config(self):
        return keras.saving.serialize_keras_object({"schedules": self.schedules, "boundaries": self.boundaries})

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))

"""Values that are constant or follow a schedule: their check, and their value at a step."""

import math
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from kzoo.checks import is_number, require
from kzoo.types import Tensor


def check_scheduled(who: str, most: float = math.inf, **argument: Any) -> None:
    """Raises Refusal unless the one argument is a schedule or a finite number from 0 to `most`."""
    ((name, value),) = argument.items()
    good = isinstance(value, LearningRateSchedule) or (is_number(value) and 0 <= value <= most and value < math.inf)
    numbers = "a number of at least 0" if most == math.inf else f"a number from 0 to {most}"
    require(good, who, f"{name}, {numbers} or a schedule", **argument)


def value_at(value: Any, step: Tensor) -> Tensor:
    """Returns the value of a schedule at a step, or a number as it is, as a tensor of Keras's float type.

    >>> decay = keras.optimizers.schedules.ExponentialDecay(8.0, 1, 0.5)
    >>> float(value_at(decay, 3)), float(value_at(0.25, 3))
    (1.0, 0.25)
    """
    return ops.cast(value(step) if isinstance(value, LearningRateSchedule) else value, keras.config.floatx())

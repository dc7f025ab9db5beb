"""Schedules of learning rates and momenta that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.schedules.inverse_power_decay import InversePowerDecay
from kzoo.schedules.sequential_schedule import SequentialSchedule
from kzoo.schedules.warmup import Warmup

__all__ = ["InversePowerDecay", "SequentialSchedule", "Warmup"]

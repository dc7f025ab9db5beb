"""Optimizers that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.optimizers.scheduled_momentum_sgd import ScheduledMomentumSGD

__all__ = ["ScheduledMomentumSGD"]

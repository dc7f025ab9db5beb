"""Metrics that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.metrics.masked_accuracy import MaskedAccuracy
from kzoo.metrics.r2_score import R2Score

__all__ = ["MaskedAccuracy", "R2Score"]

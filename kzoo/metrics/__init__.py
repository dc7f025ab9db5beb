"""Metrics that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.metrics.masked_accuracy import MaskedAccuracy

__all__ = ["MaskedAccuracy"]

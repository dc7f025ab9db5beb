"""Initializers that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.initializers.digit_codes import DigitCodes
from kzoo.initializers.fan_in_uniform import FanInUniform
from kzoo.initializers.identity_kernel import IdentityKernel

__all__ = ["DigitCodes", "FanInUniform", "IdentityKernel"]

"""Initializers that Keras lacks and models of the zoo use."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.initializers.fan_in_uniform import FanInUniform
from kzoo.initializers.identity_kernel import IdentityKernel

__all__ = ["FanInUniform", "IdentityKernel"]

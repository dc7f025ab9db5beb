"""Datasets by name, from folders or from arrays, as tf.data pipelines."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

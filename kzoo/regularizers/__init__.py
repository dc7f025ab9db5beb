"""Regularizers that Keras lacks."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.regularizers.row_sparsity import RowSparsity

__all__ = ["RowSparsity"]

"""Losses that Keras lacks; also the classes that moved to other packages, under their former names."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.constraints.orthogonal_filters import OrthogonalFilters
from kzoo.initializers.digit_codes import DigitCodes
from kzoo.initializers.fan_in_uniform import FanInUniform
from kzoo.initializers.identity_kernel import IdentityKernel
from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.losses.rbf_loss import RBFLoss
from kzoo.losses.sparse_squared_hinge import SparseSquaredHinge
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy
from kzoo.metrics.masked_accuracy import MaskedAccuracy
from kzoo.regularizers.row_sparsity import RowSparsity

__all__ = [
    "CapsuleMarginLoss",
    "DigitCodes",
    "FanInUniform",
    "IdentityKernel",
    "MaskedAccuracy",
    "OrthogonalFilters",
    "RBFLoss",
    "RowSparsity",
    "SparseSquaredHinge",
    "WeightedCrossentropy",
]

"""Losses, metrics, regularizers, initializers and constraints that families need."""

from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.losses.digit_codes import DigitCodes
from kzoo.losses.fan_in_uniform import FanInUniform
from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.masked_accuracy import MaskedAccuracy
from kzoo.losses.orthogonal_filters import OrthogonalFilters
from kzoo.losses.rbf_loss import RBFLoss
from kzoo.losses.row_sparsity import RowSparsity
from kzoo.losses.sparse_squared_hinge import SparseSquaredHinge
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy

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

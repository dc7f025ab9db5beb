"""Losses, metrics, regularizers, initializers and constraints that families need."""

from kzoo.losses.capsule_margin_loss import CapsuleMarginLoss
from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.masked_accuracy import MaskedAccuracy
from kzoo.losses.orthogonal_filters import OrthogonalFilters
from kzoo.losses.row_sparsity import RowSparsity
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy

__all__ = [
    "CapsuleMarginLoss",
    "IdentityKernel",
    "MaskedAccuracy",
    "OrthogonalFilters",
    "RowSparsity",
    "WeightedCrossentropy",
]

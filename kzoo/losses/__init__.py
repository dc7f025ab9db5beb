"""Losses, metrics, regularizers and initializers that families need."""

from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.masked_accuracy import MaskedAccuracy
from kzoo.losses.row_sparsity import RowSparsity
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy

__all__ = ["IdentityKernel", "MaskedAccuracy", "RowSparsity", "WeightedCrossentropy"]

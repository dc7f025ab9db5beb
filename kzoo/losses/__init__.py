"""Losses, metrics, regularizers and initializers that families need."""

from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.row_sparsity import RowSparsity

__all__ = ["IdentityKernel", "RowSparsity"]

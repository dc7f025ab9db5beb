"""Losses, metrics, regularizers and initializers that families need."""

from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.row_sparsity import RowSparsity
from kzoo.losses.sparse_squared_hinge import SparseSquaredHinge

__all__ = ["IdentityKernel", "RowSparsity", "SparseSquaredHinge"]

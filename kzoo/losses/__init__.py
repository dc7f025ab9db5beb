"""Losses, metrics, regularizers and initializers that families need."""

from kzoo.losses.digit_codes import DigitCodes
from kzoo.losses.fan_in_uniform import FanInUniform
from kzoo.losses.identity_kernel import IdentityKernel
from kzoo.losses.rbf_loss import RBFLoss
from kzoo.losses.row_sparsity import RowSparsity

__all__ = ["DigitCodes", "FanInUniform", "IdentityKernel", "RBFLoss", "RowSparsity"]

from .equivariance_error import equivariance, equivariance_by_layer
from .flop_count import flops
from .invariance_score import invariance
from .receptive_field import receptive_fields

__all__ = ["equivariance", "equivariance_by_layer", "flops", "invariance", "receptive_fields"]

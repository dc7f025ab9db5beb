from .decision_consistency import shift_consistency
from .equivariance_error import equivariance, equivariance_by_layer
from .feature_distance import invariance_curves
from .flop_count import flops
from .invariance_score import invariance
from .receptive_field import receptive_fields

__all__ = [
    "equivariance",
    "equivariance_by_layer",
    "flops",
    "invariance",
    "invariance_curves",
    "receptive_fields",
    "shift_consistency",
]

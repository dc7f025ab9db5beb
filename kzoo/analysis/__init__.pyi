from .class_activation import grad_cam
from .flop_count import flops
from .receptive_field import receptive_fields

__all__ = ["flops", "grad_cam", "receptive_fields"]

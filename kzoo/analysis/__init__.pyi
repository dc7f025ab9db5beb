from .class_activation import grad_cam
from .conv_matrix import convolution_matrix
from .equivariance_error import equivariance, equivariance_by_layer
from .flop_count import flops
from .invariance_score import invariance
from .receptive_field import receptive_fields
from .unknown_layer import unknown_layers

__all__ = [
    "convolution_matrix",
    "equivariance",
    "equivariance_by_layer",
    "flops",
    "grad_cam",
    "invariance",
    "receptive_fields",
    "unknown_layers",
]

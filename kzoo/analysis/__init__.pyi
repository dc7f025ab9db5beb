from .class_activation import grad_cam
from .conv_matrix import convolution_matrix
from .decision_consistency import shift_consistency
from .effective_field import effective_receptive_field
from .equivariance_error import equivariance, equivariance_by_layer
from .feature_distance import invariance_curves
from .field_growth import receptive_field_growth
from .flop_count import flops
from .invariance_score import invariance
from .kernel_sharing import weight_sharing
from .kernels import filters
from .layer_maps import feature_maps
from .maximization import maximize
from .occlusion_map import occlusion
from .patches import top_patches
from .projection import project, project_rules
from .randomization import randomization_check
from .receptive_field import receptive_fields
from .unknown_layer import unknown_layers

__all__ = [
    "convolution_matrix",
    "effective_receptive_field",
    "equivariance",
    "equivariance_by_layer",
    "feature_maps",
    "filters",
    "flops",
    "grad_cam",
    "invariance",
    "invariance_curves",
    "maximize",
    "occlusion",
    "project",
    "project_rules",
    "randomization_check",
    "receptive_field_growth",
    "receptive_fields",
    "shift_consistency",
    "top_patches",
    "unknown_layers",
    "weight_sharing",
]

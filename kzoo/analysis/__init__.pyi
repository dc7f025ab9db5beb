from .flop_count import flops
from .kernels import filters
from .layer_maps import feature_maps
from .maximization import maximize
from .patches import top_patches
from .receptive_field import receptive_fields

__all__ = ["feature_maps", "filters", "flops", "maximize", "receptive_fields", "top_patches"]

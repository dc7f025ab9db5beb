from .flop_count import flops
from .maximization import maximize
from .patches import top_patches
from .receptive_field import receptive_fields

__all__ = ["flops", "maximize", "receptive_fields", "top_patches"]

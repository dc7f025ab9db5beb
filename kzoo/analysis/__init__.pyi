from .flop_count import flops
from .patches import top_patches
from .receptive_field import receptive_fields

__all__ = ["flops", "receptive_fields", "top_patches"]

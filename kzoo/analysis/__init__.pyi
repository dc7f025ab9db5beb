from .flop_count import flops
from .receptive_field import receptive_fields

__all__ = ["flops", "receptive_fields"]

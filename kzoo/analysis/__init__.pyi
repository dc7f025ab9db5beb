from .conv_matrix import convolution_matrix
from .flop_count import flops
from .receptive_field import receptive_fields
from .unknown_layer import unknown_layers

__all__ = ["convolution_matrix", "flops", "receptive_fields", "unknown_layers"]

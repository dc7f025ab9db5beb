"""The ops: arithmetic of the layers as pure functions, channels last, any spatial rank, on any Keras backend."""

from kzoo.ops.adaptive_average_pool import adaptive_average_pool
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.bias_add import bias_add
from kzoo.ops.conv import conv
from kzoo.ops.locally_connected import locally_connected
from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax
from kzoo.ops.max_unpool import max_unpool
from kzoo.ops.pad import pad
from kzoo.ops.tiled_conv import tiled_conv
from kzoo.ops.xla import no_islands

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "bias_add",
    "conv",
    "locally_connected",
    "max_pool_with_argmax",
    "max_unpool",
    "no_islands",
    "pad",
    "tiled_conv",
]

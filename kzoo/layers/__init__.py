"""The layers: weights and configuration around the ops, each in 1D, 2D and 3D."""

from kzoo.layers.adaptive_average_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
)
from kzoo.layers.adaptive_max_pooling import AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D
from kzoo.layers.conv import Conv1D, Conv2D, Conv3D
from kzoo.layers.locally_connected import LocallyConnected1D, LocallyConnected2D, LocallyConnected3D
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D
from kzoo.layers.max_unpooling import MaxUnpooling1D, MaxUnpooling2D, MaxUnpooling3D
from kzoo.layers.tiled_conv import TiledConv1D, TiledConv2D, TiledConv3D

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "LocallyConnected3D",
    "MaxPoolingWithArgmax1D",
    "MaxPoolingWithArgmax2D",
    "MaxPoolingWithArgmax3D",
    "MaxUnpooling1D",
    "MaxUnpooling2D",
    "MaxUnpooling3D",
    "TiledConv1D",
    "TiledConv2D",
    "TiledConv3D",
]

"""Keras layers around the functions of `kzoo.ops`, in 1D, 2D and 3D where that makes sense."""

import keras  # noqa: F401  first, because importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.layers.adaptive_average_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
)
from kzoo.layers.adaptive_max_pooling import AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D
from kzoo.layers.average_pooling import AveragePooling1D, AveragePooling2D, AveragePooling3D
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.layers.blur_pooling import BlurPooling2D
from kzoo.layers.capsules import Capsules
from kzoo.layers.channel_lp_pooling import ChannelLPPooling
from kzoo.layers.conv import Conv1D, Conv2D, Conv3D
from kzoo.layers.conv_capsules import ConvCapsules2D
from kzoo.layers.deformable_conv import DeformableConv2D
from kzoo.layers.dilation import Dilation2D
from kzoo.layers.dynamic_pooling import DynamicPooling2D
from kzoo.layers.erosion import Erosion2D
from kzoo.layers.fastfood import Fastfood
from kzoo.layers.fft_conv import FFTConv1D, FFTConv2D
from kzoo.layers.filter_response_normalization import FilterResponseNormalization
from kzoo.layers.foveated_glimpse import FoveatedGlimpse2D
from kzoo.layers.fractional_max_pooling import FractionalMaxPooling1D, FractionalMaxPooling2D, FractionalMaxPooling3D
from kzoo.layers.gabor_conv import GaborConv2D
from kzoo.layers.gaussian_pooling import GaussianPooling1D, GaussianPooling2D, GaussianPooling3D
from kzoo.layers.global_contrast_normalization import GlobalContrastNormalization
from kzoo.layers.k_max_pooling import KMaxPooling1D
from kzoo.layers.kmeans_features import KMeansFeatures2D
from kzoo.layers.local_contrast_normalization import LocalContrastNormalization
from kzoo.layers.local_response_normalization import LocalResponseNormalization
from kzoo.layers.locally_connected import LocallyConnected1D, LocallyConnected2D, LocallyConnected3D
from kzoo.layers.low_rank_locally_connected import LowRankLocallyConnected1D, LowRankLocallyConnected2D
from kzoo.layers.lp_pooling import LPPooling1D, LPPooling2D, LPPooling3D
from kzoo.layers.mask_capsules import MaskCapsules
from kzoo.layers.max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax1D, MaxPoolingWithArgmax2D, MaxPoolingWithArgmax3D
from kzoo.layers.max_unpooling import MaxUnpooling1D, MaxUnpooling2D, MaxUnpooling3D
from kzoo.layers.maxout import Maxout
from kzoo.layers.mean_subtraction import MeanSubtraction
from kzoo.layers.padding import Padding1D, Padding2D, Padding3D
from kzoo.layers.pixel_shuffle import (
    PixelShuffle1D,
    PixelShuffle2D,
    PixelShuffle3D,
    PixelUnshuffle1D,
    PixelUnshuffle2D,
    PixelUnshuffle3D,
)
from kzoo.layers.polynomial_tanh import PolynomialTanh
from kzoo.layers.primary_capsules import PrimaryCapsules2D
from kzoo.layers.probabilistic_max_pooling import ProbabilisticMaxPooling2D
from kzoo.layers.prototypes import Prototypes
from kzoo.layers.rbf import RBF
from kzoo.layers.receptive_field_pooling import ReceptiveFieldPooling2D
from kzoo.layers.rgb_to_bgr import RGBToBGR
from kzoo.layers.scaled_tanh import ScaledTanh
from kzoo.layers.spatial_pyramid_pooling import SpatialPyramidPooling2D
from kzoo.layers.spatially_separable_conv import SpatiallySeparableConv2D, SpatiallySeparableConv3D
from kzoo.layers.standardized_conv import StandardizedConv1D, StandardizedConv2D, StandardizedConv3D
from kzoo.layers.stochastic_depth import StochasticDepth
from kzoo.layers.stochastic_pooling import StochasticPooling1D, StochasticPooling2D, StochasticPooling3D
from kzoo.layers.subsampling import Subsampling2D
from kzoo.layers.table_conv import TableConv1D, TableConv2D, TableConv3D
from kzoo.layers.tiled_conv import TiledConv1D, TiledConv2D, TiledConv3D
from kzoo.layers.unscaled_dropout import UnscaledDropout
from kzoo.layers.zca_whitening import ZCAWhitening

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "BlurPooling2D",
    "Capsules",
    "ChannelLPPooling",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvCapsules2D",
    "DeformableConv2D",
    "Dilation2D",
    "DynamicPooling2D",
    "Erosion2D",
    "FFTConv1D",
    "FFTConv2D",
    "Fastfood",
    "FilterResponseNormalization",
    "FoveatedGlimpse2D",
    "FractionalMaxPooling1D",
    "FractionalMaxPooling2D",
    "FractionalMaxPooling3D",
    "GaborConv2D",
    "GaussianPooling1D",
    "GaussianPooling2D",
    "GaussianPooling3D",
    "GlobalContrastNormalization",
    "KMaxPooling1D",
    "KMeansFeatures2D",
    "LPPooling1D",
    "LPPooling2D",
    "LPPooling3D",
    "LocalContrastNormalization",
    "LocalResponseNormalization",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "LocallyConnected3D",
    "LowRankLocallyConnected1D",
    "LowRankLocallyConnected2D",
    "MaskCapsules",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "MaxPoolingWithArgmax1D",
    "MaxPoolingWithArgmax2D",
    "MaxPoolingWithArgmax3D",
    "MaxUnpooling1D",
    "MaxUnpooling2D",
    "MaxUnpooling3D",
    "Maxout",
    "MeanSubtraction",
    "Padding1D",
    "Padding2D",
    "Padding3D",
    "PixelShuffle1D",
    "PixelShuffle2D",
    "PixelShuffle3D",
    "PixelUnshuffle1D",
    "PixelUnshuffle2D",
    "PixelUnshuffle3D",
    "PolynomialTanh",
    "PrimaryCapsules2D",
    "ProbabilisticMaxPooling2D",
    "Prototypes",
    "RBF",
    "RGBToBGR",
    "ReceptiveFieldPooling2D",
    "ScaledTanh",
    "SpatialPyramidPooling2D",
    "SpatiallySeparableConv2D",
    "SpatiallySeparableConv3D",
    "StandardizedConv1D",
    "StandardizedConv2D",
    "StandardizedConv3D",
    "StochasticDepth",
    "StochasticPooling1D",
    "StochasticPooling2D",
    "StochasticPooling3D",
    "Subsampling2D",
    "TableConv1D",
    "TableConv2D",
    "TableConv3D",
    "TiledConv1D",
    "TiledConv2D",
    "TiledConv3D",
    "UnscaledDropout",
    "ZCAWhitening",
]

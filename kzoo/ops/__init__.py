"""The ops: pure functions with the arithmetic of the layers, channels last, any spatial rank, on any Keras backend."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.ops import filters
from kzoo.ops.adaptive_average_pool import adaptive_average_pool
from kzoo.ops.adaptive_max_pool import adaptive_max_pool
from kzoo.ops.average_pool import average_pool
from kzoo.ops.batch_norm import batch_norm
from kzoo.ops.bias_add import bias_add
from kzoo.ops.blur_pool import blur_pool
from kzoo.ops.channel_lp_pool import channel_lp_pool
from kzoo.ops.contractive_penalty import contractive_penalty
from kzoo.ops.conv import conv
from kzoo.ops.conv_capsules import conv_capsules
from kzoo.ops.convert_argmax_indices import convert_argmax_indices
from kzoo.ops.deformable_conv import deformable_conv
from kzoo.ops.dilation import dilation
from kzoo.ops.dynamic_pool import dynamic_pool
from kzoo.ops.erosion import erosion
from kzoo.ops.fastfood import fastfood
from kzoo.ops.fft_conv import fft_conv
from kzoo.ops.filter_response_norm import filter_response_norm
from kzoo.ops.foveated_glimpse import foveated_glimpse
from kzoo.ops.fractional_max_pool import fractional_edges, fractional_max_pool
from kzoo.ops.gabor_conv import gabor_conv
from kzoo.ops.gaussian_pool import gaussian_pool
from kzoo.ops.global_contrast_normalization import global_contrast_normalization
from kzoo.ops.hadamard import hadamard
from kzoo.ops.k_max_pool import dynamic_k, k_max_pool
from kzoo.ops.kmeans_features import kmeans_features
from kzoo.ops.local_contrast_normalization import local_contrast_normalization
from kzoo.ops.local_response_normalization import local_response_normalization
from kzoo.ops.locally_connected import locally_connected
from kzoo.ops.low_rank_locally_connected import low_rank_locally_connected
from kzoo.ops.lp_pool import lp_pool
from kzoo.ops.mask_capsules import mask_capsules
from kzoo.ops.max_pool import max_pool
from kzoo.ops.max_pool_with_argmax import max_pool_with_argmax
from kzoo.ops.max_unpool import max_unpool
from kzoo.ops.maxout import maxout
from kzoo.ops.pad import pad
from kzoo.ops.pixel_shuffle import pixel_shuffle, pixel_unshuffle
from kzoo.ops.polynomial_tanh import polynomial_tanh
from kzoo.ops.probabilistic_max_pool import probabilistic_max_pool
from kzoo.ops.prototype_logits import prototype_logits
from kzoo.ops.rbf import rbf
from kzoo.ops.rectangle_pool import rectangle_pool, rectangles
from kzoo.ops.route import route
from kzoo.ops.scaled_tanh import scaled_tanh
from kzoo.ops.spatial_pyramid_pool import spatial_pyramid_pool
from kzoo.ops.spatially_separable_conv import spatially_separable_conv
from kzoo.ops.squash import squash
from kzoo.ops.standardize_kernel import standardize_kernel
from kzoo.ops.stochastic_depth import stochastic_depth
from kzoo.ops.stochastic_pool import stochastic_pool
from kzoo.ops.subsample import subsample
from kzoo.ops.table_conv import table_conv
from kzoo.ops.tiled_conv import tiled_conv
from kzoo.ops.unscaled_dropout import unscaled_dropout
from kzoo.ops.weighted_pool import weighted_pool
from kzoo.ops.xla import no_islands

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_norm",
    "bias_add",
    "blur_pool",
    "channel_lp_pool",
    "contractive_penalty",
    "conv",
    "conv_capsules",
    "convert_argmax_indices",
    "deformable_conv",
    "dilation",
    "dynamic_k",
    "dynamic_pool",
    "erosion",
    "fastfood",
    "fft_conv",
    "filter_response_norm",
    "filters",
    "foveated_glimpse",
    "fractional_edges",
    "fractional_max_pool",
    "gabor_conv",
    "gaussian_pool",
    "global_contrast_normalization",
    "hadamard",
    "k_max_pool",
    "kmeans_features",
    "local_contrast_normalization",
    "local_response_normalization",
    "locally_connected",
    "low_rank_locally_connected",
    "lp_pool",
    "mask_capsules",
    "max_pool",
    "max_pool_with_argmax",
    "max_unpool",
    "maxout",
    "no_islands",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "polynomial_tanh",
    "probabilistic_max_pool",
    "prototype_logits",
    "rbf",
    "rectangle_pool",
    "rectangles",
    "route",
    "scaled_tanh",
    "spatial_pyramid_pool",
    "spatially_separable_conv",
    "squash",
    "standardize_kernel",
    "stochastic_depth",
    "stochastic_pool",
    "subsample",
    "table_conv",
    "tiled_conv",
    "unscaled_dropout",
    "weighted_pool",
]

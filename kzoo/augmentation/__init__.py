"""Layers for `data.augment`, which change training images at random, and label maps with them."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.augmentation.elastic_distortion import ElasticDistortion
from kzoo.augmentation.pad_and_crop import PadAndCrop
from kzoo.augmentation.pca_color_noise import PCAColorNoise
from kzoo.augmentation.random_resized_crop import RandomResizedCrop
from kzoo.augmentation.random_shift import RandomShift
from kzoo.augmentation.scale_jitter import ScaleJitter

__all__ = [
    "ElasticDistortion",
    "PCAColorNoise",
    "PadAndCrop",
    "RandomResizedCrop",
    "RandomShift",
    "ScaleJitter",
]

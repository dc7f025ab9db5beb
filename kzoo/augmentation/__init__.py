"""Layers for `data.augment`, which change training images at random, and label maps with them."""

import keras  # noqa: F401  first: importing Keras registers kzoo's classes (kzoo/registration.py)

from kzoo.augmentation.color_jitter import ColorJitter
from kzoo.augmentation.cut_mix import CutMix
from kzoo.augmentation.elastic_distortion import ElasticDistortion
from kzoo.augmentation.mix_up import MixUp
from kzoo.augmentation.pad_and_crop import PadAndCrop
from kzoo.augmentation.pca_color_noise import PCAColorNoise
from kzoo.augmentation.rand_augment import RandAugment
from kzoo.augmentation.random_resized_crop import RandomResizedCrop
from kzoo.augmentation.random_shift import RandomShift
from kzoo.augmentation.scale_jitter import ScaleJitter

__all__ = [
    "ColorJitter",
    "CutMix",
    "ElasticDistortion",
    "MixUp",
    "PCAColorNoise",
    "PadAndCrop",
    "RandAugment",
    "RandomResizedCrop",
    "RandomShift",
    "ScaleJitter",
]

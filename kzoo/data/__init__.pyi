from .elastic_distortion import ElasticDistortion
from .examples import Examples
from .loader import Data, load, specs
from .mock_data import mock, mock_like
from .pad_and_crop import PadAndCrop
from .pca_color_noise import PCAColorNoise
from .random_resized_crop import RandomResizedCrop
from .random_shift import RandomShift
from .scale_jitter import ScaleJitter

__all__ = [
    "Data",
    "ElasticDistortion",
    "Examples",
    "PCAColorNoise",
    "PadAndCrop",
    "RandomResizedCrop",
    "RandomShift",
    "ScaleJitter",
    "load",
    "mock",
    "mock_like",
    "specs",
]

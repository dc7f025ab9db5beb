"""Noise along the principal components of an image collection's colours: the light changes, objects stay.

Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section
4.1; the components of ImageNet from Facebook's fb.resnet.torch, datasets/imagenet.lua.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation
from kzoo.augmentation.value_range import as_value_range
from kzoo.checks import is_number, require
from kzoo.types import DataFormat

IMAGENET_VALUES = (0.2175, 0.0188, 0.0045)
IMAGENET_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@keras.saving.register_keras_serializable("kzoo")
class PCAColorNoise(BaseAugmentation):
    """Adds a random colour to all pixels of each image, along principal components of colours; inactive in inference.

    Shapes: (H, W, 3) or (B, H, W, 3), or channels first -> the same, in the same dtype; integers are rounded and stay
    in value_range. Label maps stay as they are.
    The colour is the sum of the eigenvectors, each times its eigenvalue and a number from N(0, stddev).
    Arguments: stddev; eigenvalues, for colours in [0, 1]; eigenvectors, the columns of a 3 x 3 matrix whose rows are
    red, green and blue, both by default ImageNet's; value_range, the values of black and white; seed; data_format.

    >>> PCAColorNoise(seed=1)(keras.ops.ones((2, 32, 32, 3), "uint8")).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        stddev: float = 0.1,
        eigenvalues: Sequence[float] = IMAGENET_VALUES,
        eigenvectors: Sequence[Sequence[float]] = IMAGENET_VECTORS,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        fits = is_number(stddev) and 0 <= stddev < math.inf
        require(fits, "PCAColorNoise", "stddev, a number of at least 0", stddev=stddev)
        for name, value, shape in (
            ("eigenvalues", eigenvalues, (3,)),
            ("eigenvectors", eigenvectors, (3, 3)),
        ):
            fits = _is_array(value, shape)
            require(fits, "PCAColorNoise", f"{name}, finite numbers of shape {shape}", **{name: value})
        self.stddev = stddev
        self.eigenvalues = eigenvalues
        self.eigenvectors = eigenvectors
        self.value_range = as_value_range("PCAColorNoise", value_range)

    def draw(self, shape):
        require(shape[3] == 3, "PCAColorNoise", "images of 3 channels", channels=shape[3])
        drawn = keras.random.normal((shape[0], 3), 0.0, self.stddev, "float32", seed=self.seed_generator)
        black, white = self.value_range
        components = (white - black) * np.asarray(self.eigenvalues) * np.asarray(self.eigenvectors)
        return ops.matmul(drawn, ops.convert_to_tensor(components.T, "float32"))[:, None, None]

    def transform_images(self, images, drawn):
        noisy = ops.cast(images, "float32") + drawn
        return ops.clip(noisy, *self.value_range) if keras.backend.is_int_dtype(images.dtype) else noisy

    def get_config(self):
        own = ("stddev", "eigenvalues", "eigenvectors", "value_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _is_array(value, shape):
    try:
        array = np.asarray(value, "float64")
    except (TypeError, ValueError):
        return False
    return array.shape == shape and bool(np.isfinite(array).all())

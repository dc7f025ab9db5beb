"""Elastic distortions: each pixel is moved by a smooth random field, as the muscles of a hand move a pen.

Source: Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual document
analysis", section 2.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation
from kzoo.augmentation.sample_pixels import check_fill, sample_pixels
from kzoo.checks import is_number, require
from kzoo.types import DataFormat

TRUNCATE = 4.0  # standard deviations at which the Gaussian ends, as in SciPy


@keras.saving.register_keras_serializable("kzoo")
class ElasticDistortion(BaseAugmentation):
    """Distorts each image by a smooth random field of displacements; inactive in inference.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> the same, in the same dtype; integers are rounded. Label
    maps in {"images": ..., "segmentation_masks": ...} move with their images and take the nearest label.
    The displacements of rows and of columns are drawn for each pixel between -1 and 1, convolved with a Gaussian of
    standard deviation sigma, and multiplied by alpha. Values between pixels are interpolated bilinearly. The fields are
    drawn beyond the border too, so that displacements have one standard deviation everywhere: about 0.163 alpha / sigma
    pixels.
    Arguments: sigma and alpha, in pixels, by default the paper's for digits of 29 x 29; fill_mode of pixels beyond the
    border, "constant" (fill_value), "nearest" or "reflect"; fill_value, in the unit of the image; seed; data_format.
    The paper speaks of fields that are normalized to a norm of 1, to say how they look for small and large values of
    sigma; here they are not, so that displacements do not depend on the size of the image.

    >>> ElasticDistortion(seed=1)(keras.ops.ones((2, 29, 29, 1), "uint8")).shape
    TensorShape([2, 29, 29, 1])
    """

    def __init__(
        self,
        sigma: float = 4.0,
        alpha: float = 34.0,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        for name, value in {"sigma": sigma, "alpha": alpha}.items():
            fits = is_number(value) and 0 < value < math.inf
            require(fits, "ElasticDistortion", f"{name}, a number of pixels above 0", **{name: value})
        check_fill("ElasticDistortion", fill_mode, fill_value)
        self.sigma = sigma
        self.alpha = alpha
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def draw(self, shape):
        batch, height, width, _ = shape
        reach = int(TRUNCATE * self.sigma + 0.5)
        size = (2 * batch, height + 2 * reach, width + 2 * reach)
        noise = keras.random.uniform(size, -1.0, 1.0, "float32", seed=self.seed_generator)
        smooth_rows, smooth_columns = (smoothing_matrix(n, self.sigma, reach) for n in (height, width))
        fields = ops.matmul(ops.matmul(smooth_rows, noise), ops.transpose(smooth_columns))
        return self.alpha * ops.reshape(fields, (2, -1, height, width))

    def transform_images(self, images, drawn):
        return self._sample(images, drawn, "bilinear")

    def transform_segmentation_masks(self, masks, drawn):
        return self._sample(masks, drawn, "nearest")

    def _sample(self, x, displacements, interpolation):
        _, height, width, _ = ops.shape(x)
        rows = ops.arange(height, dtype="float32")[:, None] + displacements[0]
        columns = ops.arange(width, dtype="float32") + displacements[1]
        return sample_pixels(x, rows, columns, self.fill_mode, self.fill_value, interpolation)

    def get_config(self):
        own = ("sigma", "alpha", "fill_mode", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def smoothing_matrix(size, sigma, reach):
    """Returns the matrix (size, size + 2 reach) that convolves columns, `reach` longer at each end, with a Gaussian."""
    distance = ops.arange(size + 2 * reach, dtype="float32") - reach - ops.arange(size, dtype="float32")[:, None]
    weight = ops.where(ops.abs(distance) <= reach, ops.exp(-0.5 * (distance / sigma) ** 2), 0.0)
    return weight / ops.sum(weight, axis=1, keepdims=True)

"""Crops of images whose scale varies: the shorter side gets a random length, then a crop of fixed size is taken.

Source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", sections 3.1
and 4.1.
"""

from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import check_range
from kzoo.augmentation.base_box_crop import BaseBoxCrop
from kzoo.checks import require
from kzoo.types import DataFormat


@keras.saving.register_keras_serializable("kzoo")
class ScaleJitter(BaseBoxCrop):
    """Resizes each image so that its shorter side has a random length, and crops it at a random position.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> (height, width, C) or (B, height, width, C), in the same
    dtype; integers are rounded. Label maps in {"images": ..., "segmentation_masks": ...} take the nearest label.
    Both steps are one: each image is resized bilinearly, with areas averaged when shrinking. At inference the shorter
    side has the mean of its range, and the crop is central.
    Arguments: short_side, the least and largest length of the shorter side in pixels; height and width of the crops,
    None for those of the image; seed; data_format.
    Errors: ValueError if a crop exceeds the least length.

    >>> ScaleJitter((32, 64), 28, 28, seed=1)(keras.ops.ones((2, 32, 40, 3), "uint8")).shape
    TensorShape([2, 28, 28, 3])
    """

    def __init__(
        self,
        short_side: tuple[float, float] = (256, 512),
        height: int | None = None,
        width: int | None = None,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, seed, data_format, **kwargs)
        self.short_side = check_range("ScaleJitter", "short_side", short_side, 0, float("inf"))

    def draw(self, shape):
        batch, height, width, _ = shape
        side = keras.random.uniform((batch, 1), *self.short_side, "float32", seed=self.seed_generator)
        box = self._box(height, width, side)
        place = keras.random.uniform((batch, 2), 0.0, 1.0, "float32", seed=self.seed_generator)
        spare = _floats(height, width) - box
        return ops.concatenate([place * spare, box], axis=1)

    def central_box(self, height, width):
        return self._box(height, width, sum(self.short_side) / 2)

    def _box(self, height, width, side):
        """Returns the height and width, in pixels of the image, of the crops where the shorter side becomes `side`."""
        size = self.output_size(height, width)
        least = self.short_side[0]
        fits = all(not isinstance(crop, int) or crop <= least for crop in size)
        require(fits, "ScaleJitter", "crops of at most short_side", crop=size, short_side=self.short_side)
        return _floats(*size) * ops.min(_floats(height, width)) / side

    def get_config(self):
        return {**super().get_config(), "short_side": self.short_side}


def _floats(*sides):
    return ops.stack([ops.cast(side, "float32") for side in sides])

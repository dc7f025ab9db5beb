"""Crops of random area and aspect ratio, resized to one size.

Source: Szegedy et al. 2015, "Going deeper with convolutions", section 6; 10 attempts for each crop as in Facebook's
fb.resnet.torch, datasets/transforms.lua.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.augmentation.base_augmentation import check_range
from kzoo.augmentation.base_box_crop import BaseBoxCrop
from kzoo.types import DataFormat

ATTEMPTS = 10


@keras.saving.register_keras_serializable("kzoo")
class RandomResizedCrop(BaseBoxCrop):
    """Crops each image at a random area, aspect ratio and position, and resizes the crop; central at inference.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> (height, width, C) or (B, height, width, C), in the same
    dtype; integers are rounded. Label maps in {"images": ..., "segmentation_masks": ...} take the nearest label.
    The area is uniform within its range, as is the logarithm of the aspect ratio. A crop that does not fit into the
    image is drawn anew; if none of 10 fits, it is the largest central one of the output's proportions, as at inference.
    Resizing is bilinear, with areas averaged when shrinking.
    Arguments: height and width of the output, None for those of the image; area, the least and largest fraction of the
    image; aspect_ratio, the least and largest width / height of a box; seed; data_format.

    >>> RandomResizedCrop(24, 24, seed=1)(keras.ops.ones((2, 32, 32, 3), "uint8")).shape
    TensorShape([2, 24, 24, 3])
    """

    def __init__(
        self,
        height: int | None = None,
        width: int | None = None,
        area: tuple[float, float] = (0.08, 1.0),
        aspect_ratio: tuple[float, float] = (3 / 4, 4 / 3),
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, seed, data_format, **kwargs)
        self.area = check_range("RandomResizedCrop", "area", area, 0, 1)
        self.aspect_ratio = check_range("RandomResizedCrop", "aspect_ratio", aspect_ratio, 0, float("inf"))

    def draw(self, shape):
        batch = shape[0]
        height, width = (ops.cast(side, "float32") for side in shape[1:3])

        def uniform(columns, low=0.0, high=1.0):
            return keras.random.uniform((batch, columns), low, high, "float32", seed=self.seed_generator)

        area = uniform(ATTEMPTS, *self.area) * height * width
        ratio = ops.exp(uniform(ATTEMPTS, *np.log(self.aspect_ratio).tolist()))
        heights, widths = ops.sqrt(area / ratio), ops.sqrt(area * ratio)
        fits = ops.logical_and(heights <= height, widths <= width)
        first = ops.argmax(ops.cast(fits, "int32"), axis=1)[:, None]
        found = ops.take_along_axis(fits, first, axis=1)
        fallback = self.central_box(height, width)
        box_height, box_width = (
            ops.where(found, ops.take_along_axis(sides, first, axis=1), central)
            for sides, central in zip((heights, widths), fallback)
        )
        place = uniform(2)
        spare = ops.concatenate([height - box_height, width - box_width], axis=1)
        return ops.concatenate([place * spare, box_height, box_width], axis=1)

    def central_box(self, height, width):
        rows, columns = (ops.cast(side, "float32") for side in self.output_size(height, width))
        return ops.minimum(height, width * rows / columns), ops.minimum(width, height * columns / rows)

    def get_config(self):
        return {**super().get_config(), "area": self.area, "aspect_ratio": self.aspect_ratio}

"""A random shift by whole pixels: Nielsen's expanded MNIST as an augmentation layer.

Source: Nielsen 2015, "Neural Networks and Deep Learning", chapter 6 and its expand_mnist.py.
"""

from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation
from kzoo.augmentation.sample_pixels import check_fill, sample_pixels
from kzoo.checks import is_integer, require
from kzoo.types import DataFormat

SHIFTS = ((1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))  # rows down, columns right


@keras.saving.register_keras_serializable("kzoo")
class RandomShift(BaseAugmentation):
    """Shifts each image up, down, left, right or not at all, each with probability 1/5; inactive in inference.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> the same, in the same dtype. Label maps in
    {"images": ..., "segmentation_masks": ...} move with their images, and their border's labels are shifted in.
    Arguments: pixels, the distance; fill_value, of the pixels shifted in, in the unit of the image; seed; data_format.

    >>> RandomShift(seed=1)(keras.ops.ones((2, 28, 28, 1), "uint8")).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(
        self,
        pixels: int = 1,
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        require(is_integer(pixels, 1), "RandomShift", "pixels, an integer above 0", pixels=pixels)
        check_fill("RandomShift", "constant", fill_value)
        super().__init__(seed, data_format, **kwargs)
        self.pixels = pixels
        self.fill_value = fill_value

    def draw(self, shape):
        outcome = keras.random.randint((shape[0],), 0, len(SHIFTS), seed=self.seed_generator)
        return self.pixels * ops.take(ops.convert_to_tensor(SHIFTS, "float32"), outcome, axis=0)

    def transform_images(self, images, drawn):
        return self._shift(images, drawn, "constant")

    def transform_segmentation_masks(self, masks, drawn):
        return self._shift(masks, drawn, "nearest")

    def _shift(self, x, drawn, fill_mode):
        _, height, width, _ = ops.shape(x)
        rows = ops.arange(height, dtype="float32")[None, :, None] - drawn[:, 0, None, None]
        columns = ops.arange(width, dtype="float32")[None, None] - drawn[:, 1, None, None]
        return sample_pixels(x, rows, columns, fill_mode, self.fill_value, "nearest")

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels, "fill_value": self.fill_value}

"""RandAugment: a few operations for each image, drawn from fourteen, all with one magnitude.

Source: Cubuk, Zoph, Shlens & Le 2020, "RandAugment: Practical automated data augmentation with a reduced search space",
arXiv:1909.13719, section 3; the ranges of Cubuk et al. 2019, "AutoAugment: Learning augmentation policies from data",
arXiv:1805.09501, table 6.
"""

import math
from typing import Any

import keras
from keras import ops

from kzoo.augmentation.base_augmentation import BaseAugmentation
from kzoo.augmentation.color_operations import auto_contrast, equalize, grey_image, posterize, smooth, solarize
from kzoo.augmentation.sample_pixels import check_fill, sample_pixels
from kzoo.augmentation.value_range import as_value_range
from kzoo.checks import is_integer, is_number, require
from kzoo.types import DataFormat

MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
BLENDS = ("brightness", "color", "contrast", "sharpness")
OPERATIONS = ("identity", "auto_contrast", "equalize", "posterize", "solarize", *BLENDS, *MOVES)
ANGLE, SHEAR, SHIFT = math.radians(30), 0.3, 150 / 331  # at magnitude 10; the shift is a fraction of a side
BLEND, BITS = 0.9, 4  # how far factors are from 1, and how many bits are lost


@keras.saving.register_keras_serializable("kzoo")
class RandAugment(BaseAugmentation):
    """Changes each image by a few operations, drawn anew for it, all of one magnitude; inactive in inference.

    Shapes: (H, W, C) or (B, H, W, C) with 1 or 3 channels, or channels first -> the same, in the same dtype; integers
    are rounded, and all values stay in value_range. Label maps in {"images": ..., "segmentation_masks": ...} move with
    their images, take the nearest label, and are left alone by changes of colours.
    The operations are identity, auto_contrast, equalize, posterize, solarize, brightness, color, contrast, sharpness,
    rotate, shear_x, shear_y, translate_x and translate_y, each equally likely. Magnitude 10 is the end of the ranges of
    AutoAugment: 30 degrees, a shear of 0.3, a shift by 150 / 331 of a side, factors of 0.1 or 1.9, 4 bits, a threshold
    of 0; magnitude 0 changes nothing but auto_contrast and equalize. The signs of factors and moves are random.
    Arguments: num_ops, how many operations one after the other; magnitude, a number from 0 to 10; value_range, the
    values of black and white; fill_mode of pixels from beyond the border, "constant" (fill_value), "nearest" or
    "reflect"; fill_value, in the unit of the image, None for grey; seed; data_format.

    >>> RandAugment(seed=1)(keras.ops.ones((2, 32, 32, 3), "uint8")).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: float = 9.0,
        value_range: tuple[float, float] = (0, 255),
        fill_mode: str = "constant",
        fill_value: float | None = None,
        seed: int | None = None,
        data_format: DataFormat = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        require(is_integer(num_ops, 1), "RandAugment", "num_ops, an integer above 0", num_ops=num_ops)
        fits = is_number(magnitude) and 0 <= magnitude <= 10
        require(fits, "RandAugment", "magnitude, a number from 0 to 10", magnitude=magnitude)
        self.value_range = as_value_range("RandAugment", value_range)
        check_fill("RandAugment", fill_mode, 0 if fill_value is None else fill_value)
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def draw(self, shape):
        """Returns pairs (operations, signs) for a batch, one after the other."""
        require(shape[3] in (1, 3), "RandAugment", "images of 1 or 3 channels", channels=shape[3])

        def integers(count):
            return keras.random.randint((shape[0],), 0, count, seed=self.seed_generator)

        return [(integers(len(OPERATIONS)), 2 * ops.cast(integers(2), "float32") - 1) for _ in range(self.num_ops)]

    def transform_images(self, images, drawn):
        black, white = self.value_range
        scale = 255 / (white - black)
        x = ops.clip((ops.cast(images, "float32") - black) * scale, 0, 255)
        fill = 127.5 if self.fill_value is None else (self.fill_value - black) * scale
        for operations, signs in drawn:
            x = self._move(x, operations, signs, "bilinear", fill)
            x = ops.clip(self._blend(x, operations, signs), 0, 255)
            x = self._look_up(x, operations)
        return x / scale + black

    def transform_segmentation_masks(self, masks, drawn):
        for operations, signs in drawn:
            masks = self._move(masks, operations, signs, "nearest", 0)
        return masks

    def _move(self, x, operations, signs, interpolation, fill):
        """Returns images moved where the operation is one of MOVES."""
        strength = self.magnitude / 10
        _, height, width, _ = ops.shape(x)

        def amount(name, most):
            return ops.where(operations == OPERATIONS.index(name), signs * strength * most, 0.0)[:, None, None]

        angle = amount("rotate", ANGLE)
        row = ops.arange(height, dtype="float32")[None, :, None]
        column = ops.arange(width, dtype="float32")[None, None]
        height, width = ops.cast(height, "float32"), ops.cast(width, "float32")
        down, right = row - (height - 1) / 2, column - (width - 1) / 2
        turned_down = down * ops.cos(angle) + right * ops.sin(angle) - down
        turned_right = right * ops.cos(angle) - down * ops.sin(angle) - right
        rows = row + turned_down + amount("shear_y", SHEAR) * column + amount("translate_y", SHIFT) * height
        columns = column + turned_right + amount("shear_x", SHEAR) * row + amount("translate_x", SHIFT) * width
        moved = sample_pixels(x, rows, columns, self.fill_mode, fill, interpolation)
        return _where(operations, MOVES, ops.cast(moved, x.dtype), x)

    def _blend(self, x, operations, signs):
        """Returns images blended with black, a grey image, a grey area or a smooth image by one of BLENDS."""
        grey = grey_image(x)
        other = _where(operations, ("color",), grey, ops.zeros_like(x))
        other = _where(operations, ("contrast",), ops.mean(grey, (1, 2), keepdims=True), other)
        other = _where(operations, ("sharpness",), smooth(x), other)
        factor = (1 + signs * self.magnitude / 10 * BLEND)[:, None, None, None]
        return _where(operations, BLENDS, other + factor * (x - other), x)

    def _look_up(self, x, operations):
        """Returns images changed by one of the operations on single values."""
        strength = self.magnitude / 10
        y = _where(operations, ("auto_contrast",), auto_contrast(x), x)
        y = _where(operations, ("equalize",), equalize(x), y)
        y = _where(operations, ("posterize",), posterize(x, 8 - round(BITS * strength)), y)
        return _where(operations, ("solarize",), solarize(x, 256 * (1 - strength)), y)

    def get_config(self):
        own = ("num_ops", "magnitude", "value_range", "fill_mode", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _where(operations, names, y, x):
    """Returns y for the images whose operation has one of the names, x for the others."""
    chosen = sum(ops.cast(operations == OPERATIONS.index(name), "int32") for name in names) > 0
    return ops.where(chosen[:, None, None, None], y, x)

"""The base of kzoo's augmentation layers: single images, data formats, dtypes, and label maps that move along."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.layers.base_layer import Pointwise, set_seed
from kzoo.layers.data_format import as_data_format
from kzoo.types import DataFormat


class BaseAugmentation(Pointwise, keras.layers.Layer):
    """Changes each image at random in training, independently of the others in its batch.

    Shapes: images (H, W, C) or (B, H, W, C), or channels first -> the same, in the same dtype; integers are rounded. Or
    {"images": ..., "segmentation_masks": ...}, as Keras's layers take, whose label maps move with their images.
    Where a call does not say whether it is `training`, a layer on its own is, and a layer of a model is not.
    A subclass defines `draw`, the random numbers of a batch; `transform_images` and `transform_segmentation_masks`,
    which apply them to a batch with channels last; and where it changes the size, `output_size`, `at_inference` and
    `receptive_field`, which is that of inference.
    """

    def __init__(self, seed: int | None = None, data_format: DataFormat = None, **kwargs: Any):
        kwargs.setdefault("autocast", False)  # any dtype is kept
        super().__init__(**kwargs)
        self.data_format = as_data_format(type(self).__name__, data_format)
        set_seed(self, seed)
        self._in_model = False

    def draw(self, shape):
        """Returns the random numbers for a batch of the shape (B, H, W, C), whose sizes may be tensors."""
        raise NotImplementedError

    def transform_images(self, images, drawn):
        """Returns a batch of images transformed, in any dtype."""
        raise NotImplementedError

    def transform_segmentation_masks(self, masks, drawn):
        """Returns a batch of label maps moved as their images; by default they stay."""
        return masks

    def at_inference(self, shape):
        """Returns what takes the place of the random numbers at inference; None: images stay as they are."""

    def output_size(self, height, width):
        """Returns the height and width of the output, None where unknown."""
        return height, width

    def call(self, images, training=None):
        training = not self._in_model if training is None else training
        parts = images if isinstance(images, dict) else {"images": images}
        shape = tuple(parts["images"].shape)
        require(len(shape) in (3, 4), type(self).__name__, "images of rank 3 or 4", shape=shape)
        batches = {name: self._batch(part) for name, part in parts.items()}
        size = ops.shape(batches["images"])
        drawn = self.draw(size) if training else self.at_inference(size)
        if drawn is None:
            return images
        for name, part in parts.items():
            transform = self.transform_images if name == "images" else self.transform_segmentation_masks
            batches[name] = self._unbatch(transform(batches[name], drawn), part)
        return batches if isinstance(images, dict) else batches["images"]

    def _batch(self, part):
        """Returns a part of the input as a batch with channels last."""
        part = part if len(part.shape) == 4 else part[None]
        return part if self.data_format == "channels_last" else ops.transpose(part, (0, 2, 3, 1))

    def _unbatch(self, x, part):
        """Returns a transformed batch in the rank, data format and dtype of a part of the input."""
        x = x if self.data_format == "channels_last" else ops.transpose(x, (0, 3, 1, 2))
        x = x if len(part.shape) == 4 else x[0]
        whole = keras.backend.is_int_dtype(part.dtype) and keras.backend.is_float_dtype(x.dtype)
        return ops.cast(ops.round(x) if whole else x, part.dtype)

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        row = len(shape) - (3 if self.data_format == "channels_last" else 2)
        shape[row : row + 2] = self.output_size(*shape[row : row + 2])
        return tuple(shape)

    def compute_output_spec(self, images, training=None):
        self._in_model = True  # only models call their layers symbolically
        return keras.tree.map_structure(
            lambda part: keras.KerasTensor(self.compute_output_shape(part.shape), part.dtype), images
        )

    def get_config(self):
        return {**super().get_config(), "seed": self.seed, "data_format": self.data_format}


def check_sides(who: str, **sides: Any) -> None:
    """Raises Refusal unless each side, named as messages name it, is an integer above 0 or None."""
    for name, side in sides.items():
        require(side is None or is_integer(side, 1), who, f"{name}, an integer above 0 or None", **{name: side})


def check_range(who: str, name: str, value: Any, least: float, most: float) -> tuple[float, float]:
    """Returns a pair (low, high) of numbers. Raises Refusal unless least < low <= high <= most.

    >>> check_range("Crop", "area", [0.5, 1], 0, 1)
    (0.5, 1.0)
    """
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    numbers = pair and all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in value)
    fits = numbers and bool(np.isfinite(value).all()) and least < value[0] <= value[1] <= most
    upper = "" if most == float("inf") else f" and at most {most:g}"
    require(fits, who, f"{name}, two ascending numbers above {least:g}{upper}", **{name: value})
    low, high = value
    return float(low), float(high)

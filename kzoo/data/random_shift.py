"""A random shift by whole pixels: Nielsen's expanded MNIST as an augmentation layer.

Source: Nielsen 2015, "Neural Networks and Deep Learning", chapter 6 and its expand_mnist.py.
"""

from typing import Any

import keras
from keras import ops

from kzoo.checks import is_integer, require
from kzoo.types import DataFormat

SHIFTS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # rows down, columns right; the fifth outcome is no shift


@keras.saving.register_keras_serializable("kzoo")
class RandomShift(keras.layers.Layer):
    """Shifts each image up, down, left, right or not at all, each with probability 1/5; inactive in inference.

    Shapes: (H, W, C) or (B, H, W, C), or channels first -> the same, in the same dtype.
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
        kwargs.setdefault("autocast", False)  # a shift needs no arithmetic: any dtype is kept
        super().__init__(**kwargs)
        self.pixels = pixels
        self.fill_value = fill_value
        self.seed = seed
        self.data_format = keras.config.image_data_format() if data_format is None else data_format
        known = ("channels_first", "channels_last")
        require(self.data_format in known, "RandomShift", f"data_format, one of {known}", data_format=data_format)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=True):
        require(len(images.shape) in (3, 4), "RandomShift", "images of rank 3 or 4", shape=tuple(images.shape))
        if not training:
            return images
        shape, rank = ops.shape(images), len(images.shape)
        row = rank - 3 if self.data_format == "channels_last" else rank - 2
        margin = [(self.pixels,) * 2 if axis in (row, row + 1) else (0, 0) for axis in range(rank)]
        padded = ops.pad(images, margin, constant_values=ops.cast(self.fill_value, images.dtype))
        batch = shape[:1] if rank == 4 else ()
        outcome = keras.random.randint(batch + (1,) * 3, 0, 1 + len(SHIFTS), seed=self.seed_generator)
        for number, shift in enumerate(SHIFTS):
            view = [slice(None)] * rank
            for axis, step in zip((row, row + 1), shift):
                first = self.pixels * (1 - step)
                view[axis] = slice(first, first + shape[axis])
            images = ops.where(outcome == number, padded[tuple(view)], images)
        return images

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, images, training=True):
        return keras.KerasTensor(images.shape, images.dtype)

    def get_config(self):
        own = ("pixels", "fill_value", "seed", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

"""What a data set says of itself before an example is read, and how its splits are read then.

Source: none.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from kzoo.checks import is_integer, require


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set by its facts: one example's shapes and dtype, the classes, and the size of each split.

    Shapes: input_shape and label_shape are those of one example, fully known.
    Units: sizes count examples, {split: number}; `examples(split, start, stop)` gives some of them as `Examples`.
    Errors: none.
    """

    name: str
    input_shape: tuple
    dtype: str
    label_shape: tuple
    classes: int | None
    class_names: tuple | None
    sizes: dict
    examples: Callable


def check_image_size(image_size, input_shape):
    """Refuse an `image_size` that is no (height, width) in pixels, or meets examples (...) that are no images."""
    if image_size is None:
        return
    pair = isinstance(image_size, (tuple, list)) and len(image_size) == 2
    ok = pair and all(is_integer(side, 1) for side in image_size)
    require(ok, "load", "image_size, (height, width) in pixels", image_size=image_size)
    require(len(input_shape) == 3, "load", "images (height, width, channels) to resize", input_shape=input_shape)


def tidy(x, y, image_size=None):
    """One example or a batch with int32 labels, resized to `image_size` in x's own dtype.

    Shapes: x (..., H, W, C), y () or (B,) or maps (..., H, W, 1) -> the same with (H, W) = image_size.
    Units: areas are averaged when shrinking; label maps take the nearest label. Errors: none.

    >>> tidy(tf.ones((8, 8, 1), "uint8"), tf.constant(3), (4, 2))[0].shape
    TensorShape([4, 2, 1])
    """
    if image_size is not None:
        resized = tf.image.resize(x, image_size, antialias=True)
        x = tf.cast(tf.round(resized) if x.dtype.is_integer else resized, x.dtype)
        if y.shape.rank == x.shape.rank:
            y = tf.image.resize(y, image_size, "nearest")
    return x, tf.cast(y, tf.int32)

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
    good = len(input_shape) in (3, 4)  # images, or clips with the frames first
    require(good, "load", "images (height, width, channels) to resize", input_shape=input_shape)


def cut(x, length):
    """The middle `length` steps of a series, or frames of a clip; zeros follow a shorter one.

    Shapes: x (T,), (T, C) or (T, H, W, C) -> (length, ...); a series without channels gains one. Errors: none.

    >>> cut(tf.range(5), 3)[:, 0].numpy().tolist(), cut(tf.range(2), 3)[:, 0].numpy().tolist()
    ([1, 2, 3], [0, 1, 0])
    """
    first = tf.maximum(tf.shape(x)[0] - length, 0) // 2
    x = x[first : first + length]
    x = tf.pad(x, [(0, length - tf.shape(x)[0])] + [(0, 0)] * (x.shape.rank - 1))
    x = tf.ensure_shape(x, (length, *x.shape[1:]))
    return x[:, None] if x.shape.rank == 1 else x


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

"""The common interface of dataset sources, and the preparation of single examples."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from kzoo.checks import is_integer, require


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset whose examples have not been read yet: shapes, dtype, classes and the number of examples per split.

    Shapes: input_shape and label_shape are those of one example, fully known.
    Arguments: split_sizes, {split: number of examples}; read, a function (split, start, stop) that returns `Examples`.
    """

    name: str
    input_shape: tuple
    dtype: str
    label_shape: tuple
    classes: int | None
    class_names: tuple | None
    split_sizes: dict
    read: Callable


def check_image_size(image_size, input_shape):
    """Raises Refusal unless `image_size` is None, or (height, width) in pixels and the examples are images or clips."""
    if image_size is None:
        return
    pair = isinstance(image_size, (tuple, list)) and len(image_size) == 2
    ok = pair and all(is_integer(side, 1) for side in image_size)
    require(ok, "load", "image_size, (height, width) in pixels", image_size=image_size)
    resizable = len(input_shape) in (3, 4)  # images, or clips with the frames first
    require(resizable, "load", "images (height, width, channels) to resize", input_shape=input_shape)


def crop_or_pad(x, length):
    """Returns the middle `length` steps of a series, or frames of a clip; zeros are appended to a shorter one.

    Shapes: x (T,), (T, C) or (T, H, W, C) -> (length, ...); a series without channels gains one.

    >>> crop_or_pad(tf.range(5), 3)[:, 0].numpy().tolist(), crop_or_pad(tf.range(2), 3)[:, 0].numpy().tolist()
    ([1, 2, 3], [0, 1, 0])
    """
    first = tf.maximum(tf.shape(x)[0] - length, 0) // 2
    x = x[first : first + length]
    x = tf.pad(x, [(0, length - tf.shape(x)[0])] + [(0, 0)] * (x.shape.rank - 1))
    x = tf.ensure_shape(x, (length, *x.shape[1:]))
    return x[:, None] if x.shape.rank == 1 else x


def resize_images(x, image_size):
    """Resizes images to (height, width) in their own dtype; returns them unchanged if `image_size` is None.

    Shapes: x (..., H, W, C). Areas are averaged when shrinking.

    >>> resize_images(tf.ones((8, 8, 1), "uint8"), (4, 2)).shape
    TensorShape([4, 2, 1])
    """
    if image_size is None:
        return x
    resized = tf.image.resize(x, image_size, antialias=True)
    return tf.cast(tf.round(resized) if x.dtype.is_integer else resized, x.dtype)


def prepare_example(x, y, image_size=None):
    """Returns (x, y) of one example or a batch with images and label maps resized and labels as int32.

    Shapes: x (..., H, W, C), y () or (B,), or label maps (..., H, W, 1), which take the nearest label.
    """
    if image_size is not None and y.shape.rank == x.shape.rank:
        y = tf.image.resize(y, image_size, "nearest")
    return resize_images(x, image_size), tf.cast(y, tf.int32)

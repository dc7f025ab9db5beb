"""The common interface of dataset sources, their files, and the preparation of single examples."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kzoo.checks import Refusal, is_integer, require
from kzoo.data.image_files import ImageFiles
from kzoo.task import Task
from kzoo.types import PathLike

VALIDATIONS, TESTS = ("validation", "val", "valid", "dev"), ("test",)  # names of splits
BATCH, BATCH_BYTES = 256, 2**20  # of examples that are prepared together
RESIZES = ("stretch", "crop", "pad")  # ways to make images of one size, as a shorter side is: see `resize_images`
MAX_CLASSES = 100_000  # unless there are as many examples: the last layer of a model has weights for each class


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset whose examples have not been read yet: shapes, dtype, classes and the number of examples per split.

    Shapes: input_shape and label_shape are those of one example, fully known; of several targets label_shape is that of
    the first.
    Arguments: split_sizes, {split: number of examples}; read, a function (split, chosen) that returns `Examples` of the
    examples in a slice or at ascending indices; labels, a function (split) that returns all labels as an array;
    content, a `digest` of the dataset's files, None if they are not prepared; left_out, {what: how many} of what the
    dataset's files hold and no split contains; image_files, if the examples are in files of their own; divided, whether
    the dataset itself has splits: one of classes that has not is held out of by class; tasks, of the targets, () where
    these are integer labels.
    """

    name: str
    input_shape: tuple
    dtype: str
    label_shape: tuple
    classes: int | None
    class_names: tuple | None
    split_sizes: dict
    read: Callable
    labels: Callable
    content: str | None = None
    left_out: dict = dataclasses.field(default_factory=dict)
    image_files: ImageFiles | None = None
    divided: bool = True
    tasks: tuple[Task, ...] = ()

    @property
    def has_maps(self) -> bool:
        """Whether one of the targets is a label map."""
        return any(task.kind == "segmentation" for task in self.tasks) or (not self.tasks and len(self.label_shape) > 1)


def local_path(path: PathLike) -> Path:
    """Returns a path with `~` expanded. Raises Refusal if there is no such user or if the path is not UTF-8."""
    check_utf8(path)
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise Refusal(f"load expects a path; received {str(path)!r}, but there is no such user.") from error


def check_utf8(path: PathLike) -> None:
    """Raises Refusal if a path is not UTF-8: TensorFlow cannot open it, and a config cannot name it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise Refusal(f"load expects a path in UTF-8; received {str(path)!r}.") from error


def digest(content: Any) -> str:
    """Returns 16 hexadecimal digits of the SHA-256 of what JSON can express.

    >>> digest([1, "a"])
    '4a72386a027702c1'
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def check_classes(classes: int | None, examples: int, what: str) -> None:
    """Raises Refusal if the classes, as many as the largest label says, are more than a model can have."""
    limit = max(MAX_CLASSES, examples)
    require(classes is None or 1 <= classes <= limit, "load", f"{what} of 1 to {limit} classes", classes=classes)


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


def spread_parts(x, length, parts):
    """Returns `parts` stretches of `length` steps of a series, or frames of a clip, evenly spaced from start to end.

    Shapes: as `crop_or_pad`, with length * parts steps. Zeros are appended to a series of fewer than `length` steps.

    >>> spread_parts(tf.range(9), 2, 3)[:, 0].numpy().tolist(), spread_parts(tf.range(3), 1, 1)[:, 0].numpy().tolist()
    ([0, 1, 4, 5, 7, 8], [0])
    """
    spare = tf.shape(x)[0] - length
    starts = tf.linspace(0.0, tf.cast(tf.maximum(spare, 0), "float32"), parts)
    steps = tf.cast(tf.round(starts), "int32")[:, None] + tf.range(length)
    x = tf.pad(x, [(0, tf.maximum(-spare, 0))] + [(0, 0)] * (x.shape.rank - 1))
    x = tf.ensure_shape(tf.gather(x, tf.reshape(steps, [-1])), (length * parts, *x.shape[1:]))
    return x[:, None] if x.shape.rank == 1 else x


def resize_images(x, image_size, resize="stretch"):
    """Resizes images to (height, width) in their own dtype; returns them unchanged if `image_size` is None.

    Shapes: x (..., H, W, C). Areas are averaged when shrinking.
    Arguments: resize, "stretch" (to the size, whatever the image's proportions), "crop" (the largest central part of
    the size's proportions), "pad" (the whole image in its own proportions, and zeros around it), or the length that the
    shorter side gets, in its own proportions, before the central part of the size is taken.

    >>> resize_images(tf.ones((8, 8, 1), "uint8"), (4, 2)).shape
    TensorShape([4, 2, 1])
    """
    if image_size is None:
        return x
    if not isinstance(resize, str):
        return _central(resize_short_side(x, resize), image_size)
    return _in_dtype(_resize(x, image_size, resize, antialias=True), x.dtype)


def resize_short_side(x, length):
    """Resizes images (..., H, W, C) in their own proportions and dtype, so that the shorter side has a length.

    >>> resize_short_side(tf.ones((6, 9, 1), "uint8"), 4).shape
    TensorShape([4, 6, 1])
    """
    size = tf.cast(tf.shape(x)[-3:-1], "float64")
    sides = tf.cast(tf.round(size * length / tf.reduce_min(size)), "int32")
    return _in_dtype(tf.image.resize(x, sides, antialias=True), x.dtype)


def _in_dtype(resized, dtype):
    return tf.cast(tf.round(resized) if dtype.is_integer else resized, dtype)


def _central(x, size):
    """Returns the central part of images (..., H, W, C) that has a size."""
    top, left = tf.unstack((tf.shape(x)[-3:-1] - size) // 2)
    part = x[..., top : top + size[0], left : left + size[1], :]
    return tf.ensure_shape(part, (*x.shape[:-3], *size, x.shape[-1]))


def prepare_example(x, y, image_size=None, resize="stretch", ignore_label=None):
    """Returns (x, y) of one example or a batch with images and label maps resized and labels as int32.

    A label beyond int32 becomes the limit of int32, which `ExampleChecks` refuses.
    Shapes: x (..., H, W, C), y () or (B,), or label maps (..., H, W, 1), which take the nearest label.
    Arguments: resize, as `resize_images`; ignore_label, of the pixels of label maps that it pads.
    """
    y = tf.saturate_cast(y, tf.int32)
    if image_size is not None and y.shape.rank == x.shape.rank:
        y = _resize(y, image_size, resize, ignore_label or 0, method="nearest")
    return resize_images(x, image_size, resize), y


def _resize(x, image_size, resize, fill=0, **how):
    """Returns images resized as `resize` says; `how` are arguments of `tf.image.resize`."""
    if resize == "stretch":
        return tf.image.resize(x, image_size, **how)
    size = tf.shape(x)[-3:-1]
    if resize == "crop":
        part = _largest(image_size, size)
        top, left = tf.unstack((size - part) // 2)
        return tf.image.resize(x[..., top : top + part[0], left : left + part[1], :], image_size, **how)
    part = _largest(size, image_size)
    before = (image_size - part) // 2
    margins = tf.stack([before, image_size - part - before], axis=1)
    margins = tf.pad(margins, [(x.shape.rank - 3, 1), (0, 0)])  # none for the other axes
    resized = tf.image.resize(x, part, **how)
    padded = tf.pad(resized, margins, constant_values=tf.cast(fill, resized.dtype))
    return tf.ensure_shape(padded, (*x.shape[:-3], *image_size, x.shape[-1]))


def _largest(proportions, bounds):
    """Returns the largest (height, width) within bounds that has the proportions of another height and width.

    >>> _largest((2, 3), (10, 10)).numpy().tolist(), _largest((300, 1), (10, 10)).numpy().tolist()
    ([7, 10], [10, 1])
    """
    proportions, bounds = (tf.cast(sides, "float64") for sides in (proportions, bounds))
    sides = tf.round(proportions * tf.reduce_min(bounds / proportions))
    return tf.cast(tf.clip_by_value(sides, 1, bounds), "int32")


def take_chosen(dataset, chosen, size):
    """Returns the elements at ascending indices, or in a slice, of a dataset of `size` elements.

    >>> [int(x) for x in take_chosen(tf.data.Dataset.range(5), np.array([1, 4]), 5)]
    [1, 4]
    """
    if isinstance(chosen, slice):
        start, stop, _ = chosen.indices(size)
        return dataset.skip(start).take(stop - start)
    is_chosen = tf.data.Dataset.from_tensor_slices(np.isin(np.arange(size), chosen))
    return tf.data.Dataset.zip(is_chosen, dataset).filter(lambda yes, _: yes).map(lambda _, element: element)


def map_in_batches(dataset, function):
    """Returns `dataset.map(function)` for a function of one example or a batch: batches take half the time.

    Only small examples of known shapes are batched, and no clips, which TensorFlow does not resize in batches.

    >>> [int(x) for x in map_in_batches(tf.data.Dataset.range(3), lambda x: 2 * x)]
    [0, 2, 4]
    """
    specs = tf.nest.flatten(dataset.element_spec)
    if not all(spec.shape.is_fully_defined() and len(spec.shape) <= 3 for spec in specs):
        return dataset.map(function, tf.data.AUTOTUNE)
    size = BATCH_BYTES // max(1, sum(spec.shape.num_elements() * spec.dtype.size for spec in specs))
    return dataset.batch(min(max(size, 1), BATCH)).map(function, tf.data.AUTOTUNE).unbatch()

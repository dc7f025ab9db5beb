"""Examples whose training images are crops at random positions of images that keep their proportions.

Source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", section 3.1;
He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", section 3.4, for several scales.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kzoo.data.example_checks import ExampleChecks
from kzoo.data.examples import MEMORY, Examples
from kzoo.data.source import resize_images, resize_short_side

WIDEST = 2  # the longer side of an image over its shorter one, in estimates of memory


class CroppedExamples(Examples):
    """The examples of one split, whose images get a shorter side of fixed length and are cropped.

    `batches` crop each image at a random position of its own in each epoch, `once` in the centre.
    Shapes: `dataset` yields (x, y) or (x, y, weight), one example each, x (H, W, C) of any height and width.
    Arguments: image_size, (height, width) of the crops; short_side, the length of the shorter side; training, the least
    and largest length of it in `batches`, which draw it for each crop, None for short_side; others, as `Examples`.

    >>> images = tf.data.Dataset.from_tensors((tf.reshape(tf.range(32.0), (4, 8, 1)), 0))
    >>> split = CroppedExamples(images, 1, (4, 4), 4)
    >>> next(iter(split.once(1)))[0][0, 0, :, 0].numpy()
    array([2., 3., 4., 5.], dtype=float32)
    >>> sorted({float(x[0, 0, 0, 0]) for x, _ in split.batches(1).take(40)})
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """

    def __init__(
        self,
        dataset: tf.data.Dataset,
        size: int,
        image_size: Sequence[int],
        short_side: int,
        training: Sequence[int] | None = None,
        memory: float | None = None,
        checks: ExampleChecks | None = None,
        files: Sequence[str] | None = None,
    ):
        self._images, self._crop_size, self._sides = dataset, tuple(image_size), training or (short_side, short_side)

        def central(x, *others):
            return resize_images(x, self._crop_size, short_side), *others

        super().__init__(dataset.map(central, tf.data.AUTOTUNE), size, memory, checks, files)
        whole_bytes = WIDEST * self._sides[1] ** 2 * self.input_shape[-1] * tf.as_dtype(self.dtype).size
        self._example_bytes = max(self._example_bytes, whole_bytes)
        self.is_streamed = size * self._example_bytes > (MEMORY if memory is None else memory)

    def _stored(self):
        """Returns the images with the largest length of the shorter side."""
        return self._images.map(lambda x, *others: (resize_short_side(x, self._sides[1]), *others), tf.data.AUTOTUNE)

    def _finished(self, dataset, seed, epoch):
        """Returns images of an epoch cropped at random, each by its number in the epoch."""

        def crop(number, example):
            x, *others = example
            key = tf.random.experimental.stateless_fold_in(tf.stack([tf.constant(seed, tf.int64), epoch]), number)
            return self._random_crop(x, tf.unstack(tf.random.stateless_uniform([3], key))), *others

        return dataset.enumerate().map(crop, tf.data.AUTOTUNE, deterministic=True)

    def _random_crop(self, x, drawn):
        low, high = self._sides
        size = tf.constant(self._crop_size)
        sides = tf.shape(x)[:2]
        if low < high:  # the crop, in pixels of x, of an image whose shorter side is drawn
            side = low + drawn[2] * (high - low)
            scale = tf.cast(tf.reduce_min(sides), "float32") / side
            size = tf.cast(tf.round(tf.cast(size, "float32") * scale), "int32")
        spare = tf.cast(sides - size + 1, "float32")
        top, left = tf.unstack(tf.cast(tf.floor(tf.stack(drawn[:2]) * spare), "int32"))
        x = x[top : top + size[0], left : left + size[1]]
        x = resize_images(x, self._crop_size) if low < high else x
        return tf.ensure_shape(x, self.input_shape)

    def _shuffled_in_memory(self, epochs, batch_size, seed, skip):
        self._load()  # reports damaged examples
        pixels, sizes, others = self._flat_images()
        firsts = tf.concat([[0], tf.cumsum(tf.reduce_prod(sizes, 1))[:-1]], 0)

        def example(i):
            height, width = tf.unstack(sizes[i])
            x = tf.reshape(pixels[firsts[i] : firsts[i] + height * width], (height, width, self.input_shape[-1]))
            return x, *(each[i] for each in others)

        def epoch_of(epoch):
            order = self._order(seed, epoch)
            images = tf.data.Dataset.from_tensor_slices(order).map(example, tf.data.AUTOTUNE, deterministic=True)
            return self._finished(images, seed, epoch).batch(batch_size, drop_remainder=True)

        return epochs.flat_map(epoch_of).skip(skip)

    def _flat_images(self):
        """Returns the pixels (P, C) of all images one after the other, their sizes (N, 2), and labels and weights."""
        examples = list(self._stored().as_numpy_iterator())
        channels = self.input_shape[-1]
        with tf.device("CPU"):
            pixels = tf.constant(np.concatenate([x.reshape(-1, channels) for x, *_ in examples]))
            sizes = tf.constant([x.shape[:2] for x, *_ in examples], tf.int64)
            return pixels, sizes, [tf.constant(each) for each in list(zip(*examples))[1:]]

"""Training images of several sizes, one size for each epoch in turn.

Source: He, Zhang, Ren & Sun 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
section 2.3: an epoch of 224 x 224 pixels, then one of 180 x 180.
"""

import tensorflow as tf

from kzoo.checks import require
from kzoo.data.examples import INT64_MAX
from kzoo.data.source import prepare_example, resize_images


def resize_by_epoch(dataset, sizes, steps, start=0):
    """Returns batches of images resized to the sizes, (height, width): all of an epoch to one, in turn.

    The size depends only on the batch's number, so a resumed run has the same. Label maps take the nearest label.
    Shapes: x (B, H, W, C), y (B,) or (B, classes), or label maps (B, H, W) or (B, H, W, 1), and perhaps a weight (B,).
    Arguments: steps, the batches of an epoch; start, the number of the dataset's first batch.

    >>> batches = tf.data.Dataset.from_tensors((tf.ones((2, 8, 8, 1)), tf.ones(2, "int32"))).repeat()
    >>> [x.shape[1] for x, y in resize_by_epoch(batches, [(8, 8), (6, 6)], steps=2).take(5)]
    [8, 8, 6, 6, 8]
    """
    x_spec, y_spec, *_ = dataset.element_spec
    require(len(x_spec.shape) == 4, "data.training_sizes", "images", input_shape=tuple(x_spec.shape[1:]))
    without_channel = len(y_spec.shape) == 3

    def resize(number, batch):
        x, y, *weight = batch
        size = tf.gather(tf.constant(sizes), number // steps % len(sizes))
        if len(y_spec.shape) < 3:
            return resize_images(x, size), y, *weight
        x, y = prepare_example(x, y[..., None] if without_channel else y, size)
        return x, y[..., 0] if without_channel else y, *weight

    numbered = tf.data.Dataset.zip(tf.data.Dataset.range(start, INT64_MAX), dataset)
    return numbered.map(resize, tf.data.AUTOTUNE, deterministic=True)

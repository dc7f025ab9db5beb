"""How examples get one size; tests of `load` cover the refusals."""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.cropped_examples import CroppedExamples
from kzoo.data.examples import Examples
from kzoo.data.sizing import Sizing
from kzoo.data.source import resize_images, spread_parts

X = tf.reshape(tf.range(96.0), (8, 12, 1))


def test_images_and_label_maps():
    x, y = Sizing((4, 4), "pad", ignore_label=255).prepare(X, tf.ones((8, 12, 1), tf.int64))
    np.testing.assert_array_equal(x, resize_images(X, (4, 4), "pad"))
    assert y.dtype == tf.int32 and y.numpy()[-1, 0, 0] == 255 and y.numpy()[2, 2, 0] == 1


def test_crops_keep_the_whole_image():
    """`CroppedExamples` crop it, which has another place for each epoch."""
    sizing = Sizing([4, 4], 6)
    assert sizing.crops and sizing.image_size == (4, 4)
    x, y = sizing.prepare(X, tf.constant(3))
    np.testing.assert_array_equal(x, X)
    dataset = tf.data.Dataset.from_tensors((x, y))
    assert isinstance(sizing.examples(dataset, 1), CroppedExamples)
    assert type(Sizing((4, 4)).examples(dataset, 1)) is Examples


def test_lengths():
    x = tf.range(9.0)
    assert Sizing().cut(x) is x
    assert Sizing(length=3).cut(x).numpy()[:, 0].tolist() == [3, 4, 5]
    np.testing.assert_array_equal(Sizing(length=2, parts=3).cut(x), spread_parts(x, 2, 3))


def test_contradictions():
    with pytest.raises(Refusal, match="an image_size of at most the shorter side, 3; received"):
        Sizing((4, 4), 3)

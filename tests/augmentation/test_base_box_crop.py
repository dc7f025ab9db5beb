import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation.base_box_crop import resize_boxes
from kzoo.augmentation.random_resized_crop import RandomResizedCrop
from kzoo.checks import Refusal
from kzoo.data.source import resize_images

X = np.random.default_rng(0).normal(size=(2, 20, 15, 3)).astype("float32")


@pytest.mark.parametrize("size", [(20, 15), (7, 9), (33, 40), (5, 30)])
def test_a_whole_image_is_resized_as_datasets_are(size):
    whole = np.array([[0, 0, 20, 15]] * 2, "float32")
    np.testing.assert_allclose(resize_boxes(X, whole, size), resize_images(tf.constant(X), size), atol=1e-5)


def test_a_box_of_whole_pixels_at_its_own_size_is_a_slice():
    boxes = np.array([[3, 2, 8, 6], [0, 9, 8, 6]], "float32")
    y = np.array(resize_boxes(X, boxes, (8, 6)))
    np.testing.assert_allclose(y, [X[0, 3:11, 2:8], X[1, 0:8, 9:15]], atol=1e-6)


def test_refuses_sides_that_are_no_sizes():
    with pytest.raises(Refusal, match="RandomResizedCrop expects height, an integer above 0 or None; received"):
        RandomResizedCrop(height=0)

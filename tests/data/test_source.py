from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.source import check_image_size, crop_or_pad, local_path, map_in_batches, prepare_example, resize_images


def test_shrinking_averages_areas():
    corner = np.zeros((8, 8, 1), "float32")
    corner[0, 0] = 100  # bilinear interpolation would not sample it
    x = resize_images(tf.constant(corner), (2, 2))
    assert 1 < x[0, 0, 0] < 10 and x[1, 1, 0] == 0


def test_integers_are_rounded_not_truncated():
    x = resize_images(tf.constant([[[0]], [[3]]], tf.uint8), (1, 1))
    assert x.dtype == tf.uint8 and x.numpy().item() == 2


def test_labels_become_int32_and_maps_keep_their_values():
    x = tf.zeros((4, 4, 3))
    y = tf.constant(np.arange(16).reshape(4, 4, 1) % 3 * 4, tf.uint8)
    assert prepare_example(x, tf.constant(7, tf.int64))[1].dtype == tf.int32
    assert set(np.unique(prepare_example(x, y, (9, 9))[1])) == {0, 4, 8}
    assert prepare_example(x, y)[1].shape == (4, 4, 1)


def test_image_size_is_checked():
    check_image_size(None, (40, 1))
    check_image_size((3, 4), (8, 8, 1))
    with pytest.raises(Refusal, match=r"image_size, \(height, width\) in pixels; received image_size=\(3,\)"):
        check_image_size((3,), (8, 8, 1))
    with pytest.raises(Refusal, match=r"images \(height, width, channels\) to resize; received input_shape=\(40, 1\)"):
        check_image_size((3, 4), (40, 1))


@pytest.mark.parametrize("steps", [2, 5, 8, 9])
def test_crop_or_pad_takes_the_middle_or_pads_the_end(steps):
    x = np.arange(1, steps + 1, dtype="float32")
    expected = {2: [1, 2, 0, 0, 0], 5: [1, 2, 3, 4, 5], 8: [2, 3, 4, 5, 6], 9: [3, 4, 5, 6, 7]}[steps]
    assert crop_or_pad(tf.constant(x), 5)[:, 0].numpy().tolist() == expected
    clip = crop_or_pad(tf.constant(x[:, None, None, None]) * tf.ones((1, 2, 3, 1)), 5)
    assert clip.shape == (5, 2, 3, 1) and clip[:, 1, 2, 0].numpy().tolist() == expected


def test_clips_are_resized_frame_by_frame():
    clip = np.random.default_rng(0).integers(0, 255, (3, 8, 6, 2)).astype("uint8")
    x = resize_images(tf.constant(clip), (4, 5))
    assert x.shape == (3, 4, 5, 2) and x.dtype == tf.uint8
    np.testing.assert_array_equal(x[1], resize_images(tf.constant(clip[1]), (4, 5)))
    check_image_size((3, 4), (5, 8, 8, 3))


@pytest.mark.parametrize("shape, batched", [((8, 8, 1), True), ((600, 600, 3), True), ((3, 8, 8, 1), False)])
def test_mapping_in_batches_changes_nothing(shape, batched):
    x = np.random.default_rng(0).integers(0, 255, (5, *shape)).astype("uint8")
    dataset, ranks = tf.data.Dataset.from_tensor_slices((x, np.arange(5))), []

    def prepare(x, y):
        ranks.append(len(x.shape))
        return prepare_example(x, y, (10, 9))

    found = list(map_in_batches(dataset, prepare))
    assert ranks == [len(shape) + batched]
    for index, (image, label) in enumerate(found):
        np.testing.assert_array_equal(image, resize_images(tf.constant(x[index]), (10, 9)))
        assert label == index
    assert len(found) == 5


def test_examples_of_unknown_shapes_are_mapped_one_by_one():
    dataset = tf.data.Dataset.from_generator(lambda: iter([[1], [1, 2]]), output_signature=tf.TensorSpec([None]))
    assert [int(n) for n in map_in_batches(dataset, tf.size)] == [1, 2]


def test_labels_beyond_int32_become_its_limits():
    """Which `ExampleChecks` refuses; a cast would wrap them to other labels."""
    labels = tf.constant([2**32, -(2**40), 2**31 - 1, 7], tf.int64)
    assert prepare_example(tf.zeros((4, 1)), labels)[1].numpy().tolist() == [2**31 - 1, -(2**31), 2**31 - 1, 7]


def test_paths():
    assert local_path("~/a") == Path.home() / "a" and local_path("b/../c") == Path("b/../c")
    with pytest.raises(Refusal, match="load expects a path; received '~nouser/a', but there is no such user."):
        local_path("~nouser/a")
    with pytest.raises(Refusal, match=r"load expects a path in UTF-8; received 'a\\udcff'."):
        local_path("a\udcff")

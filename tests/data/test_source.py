from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.data.source import (
    check_image_size,
    crop_or_pad,
    local_path,
    map_in_batches,
    prepare_example,
    resize_images,
    resize_short_side,
    spread_parts,
)


def test_shrinking_averages_areas():
    corner = np.zeros((8, 8, 1), "float32")
    corner[0, 0] = 100  # bilinear interpolation would not sample it
    x = resize_images(tf.constant(corner), (2, 2))
    assert 1 < x[0, 0, 0] < 10 and x[1, 1, 0] == 0


def test_integers_are_rounded_not_truncated():
    x = resize_images(tf.constant([[[0]], [[3]]], tf.uint8), (1, 1))
    assert x.dtype == tf.uint8 and x.numpy().item() == 2


CHECKS = np.indices((30, 40)).sum(0)[..., None].astype("float32")


@pytest.mark.parametrize(
    "image_size, part", [((6, 6), (30, 30)), ((3, 4), (30, 40)), ((12, 6), (30, 15)), ((5, 40), (5, 40))]
)
def test_crop_takes_the_largest_central_part(image_size, part):
    top, left = (30 - part[0]) // 2, (40 - part[1]) // 2
    expected = resize_images(tf.constant(CHECKS[top : top + part[0], left : left + part[1]]), image_size)
    np.testing.assert_array_equal(resize_images(tf.constant(CHECKS), image_size, "crop"), expected)


@pytest.mark.parametrize("image_size, part", [((8, 8), (6, 8)), ((3, 4), (3, 4)), ((9, 4), (3, 4)), ((3, 90), (3, 4))])
def test_pad_keeps_the_whole_image_in_its_proportions(image_size, part):
    expected = np.zeros((*image_size, 1), "float32")
    top, left = (image_size[0] - part[0]) // 2, (image_size[1] - part[1]) // 2
    expected[top : top + part[0], left : left + part[1]] = resize_images(tf.constant(CHECKS), part)
    np.testing.assert_array_equal(resize_images(tf.constant(CHECKS), image_size, "pad"), expected)


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_label_maps_are_resized_as_their_images(resize):
    y = tf.constant(np.arange(1, 25).reshape(1, 4, 6, 1).repeat(2, 0), tf.uint8)
    x, labels = prepare_example(tf.cast(y, "float32"), y, (8, 8), resize, ignore_label=-1)
    assert labels.dtype == tf.int32 and labels.shape == x.shape == (2, 8, 8, 1)
    if resize == "crop":
        part = np.arange(1, 25).reshape(4, 6)[:, 1:5]
        np.testing.assert_array_equal(labels[0, ..., 0], part.repeat(2, 0).repeat(2, 1))
    else:
        inside = np.zeros((8, 8, 1), bool)
        inside[1:6] = True  # 8 x 4 / 6 rows
        np.testing.assert_array_equal(labels[1] == -1, ~inside)
        np.testing.assert_array_equal(x[1] == 0, ~inside)


@pytest.mark.parametrize("size, sides", [((30, 40), (8, 11)), ((40, 30), (11, 8)), ((5, 5), (8, 8)), ((1, 9), (8, 72))])
def test_the_shorter_side_gets_a_length_and_the_centre_is_taken(size, sides):
    x = tf.constant(np.random.default_rng(0).normal(size=(*size, 2)).astype("float32"))
    whole = resize_short_side(x, 8)
    np.testing.assert_array_equal(whole, resize_images(x, sides))
    top, left = (sides[0] - 6) // 2, (sides[1] - 4) // 2
    np.testing.assert_array_equal(resize_images(x, (6, 4), 8), whole[top : top + 6, left : left + 4])


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad", 7])
def test_images_of_one_size_come_from_any_size_and_from_clips(resize):
    for shape in ((1, 50, 3), (50, 1, 3), (7, 5, 3), (2, 7, 5, 3)):
        x = resize_images(tf.ones(shape, "uint8"), (6, 4), resize)
        assert x.shape == (*shape[:-3], 6, 4, 3) and x.dtype == tf.uint8 and x.numpy().max() == 1
    sizes = tf.TensorSpec((None, None, 3), "uint8")
    traced = tf.function(lambda x: resize_images(x, (6, 4), resize)).get_concrete_function(sizes)
    assert traced.output_shapes == (6, 4, 3)


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


@pytest.mark.parametrize(
    "steps, length, parts, expected",
    [
        (9, 1, 5, [1, 3, 5, 7, 9]),
        (9, 3, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (4, 3, 2, [1, 2, 3, 2, 3, 4]),
        (1, 2, 2, [1, 0] * 2),
    ],
)
def test_parts_are_spread_evenly_from_start_to_end(steps, length, parts, expected):
    """As Simonyan & Zisserman 2014 sample the frames of a video, with equal spacing."""
    x = np.arange(1, steps + 1, dtype="float32")
    assert spread_parts(tf.constant(x), length, parts)[:, 0].numpy().tolist() == expected
    clip = spread_parts(tf.constant(x[:, None, None, None]) * tf.ones((1, 2, 3, 1)), length, parts)
    assert clip.shape == (length * parts, 2, 3, 1) and clip[:, 1, 2, 0].numpy().tolist() == expected


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

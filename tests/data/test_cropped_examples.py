"""Random crops of images of any size: their positions and scales, order, resume, and the central ones elsewhere."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.cropped_examples import CroppedExamples
from kzoo.data.loader import load, specs
from kzoo.data.source import resize_images, resize_short_side

SIZES = [(8, 13), (10, 8), (8, 8), (8, 20), (21, 8)]


def image(number):
    """Returns an image that shows of each pixel its row, its column and the number of the image."""
    height, width = SIZES[number]
    rows, columns = np.indices((height, width))
    return np.stack([rows, columns, np.full((height, width), number)], -1).astype("uint8")


def examples(streams=False, count=5, **more):
    """Returns examples of images whose shorter side is 8, cropped to 6 x 5."""
    numbers = [i % 5 for i in range(count)]
    dataset = tf.data.Dataset.from_generator(
        lambda: ((image(i), i) for i in numbers),
        output_signature=(tf.TensorSpec((None, None, 3), "uint8"), tf.TensorSpec((), "int32")),
    )
    return CroppedExamples(dataset, count, (6, 5), 8, memory=0 if streams else None, **more)


@pytest.fixture(params=[False, True], ids=["memory", "stream"])
def streams(request):
    return request.param


def places(batches, count):
    """Returns (image, top, left) of each crop, and checks that it is a part of its image."""
    found = []
    for x, y in batches.take(count).as_numpy_iterator():
        assert x.dtype == np.uint8 and x.shape[1:] == (6, 5, 3)
        for crop, number in zip(x, y):
            top, left, _ = crop[0, 0]
            np.testing.assert_array_equal(crop, image(number)[top : top + 6, left : left + 5])
            found.append((int(number), int(top), int(left)))
    return found


def test_all_positions_are_equally_likely(streams):
    found = places(examples(streams, count=100).batches(20, seed=1), 60)  # 240 crops of each image
    assert len(found) == 1200
    for number, (height, width) in enumerate(SIZES):
        of_image = np.array([place[1:] for place in found if place[0] == number])
        assert len(of_image) == 240
        for axis, positions in enumerate((height - 6 + 1, width - 5 + 1)):
            counts = np.bincount(of_image[:, axis], minlength=positions)
            mean = 240 / positions
            assert len(counts) == positions and np.abs(counts - mean).max() < 4.5 * np.sqrt(mean)


def test_crops_change_from_epoch_to_epoch_and_from_image_to_image(streams):
    found = places(examples(streams).batches(5), 8)
    epochs = [sorted(found[i : i + 5]) for i in range(0, 40, 5)]
    assert all([place[0] for place in epoch] == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 8
    same = CroppedExamples(tf.data.Dataset.from_tensors((image(3), 3)).repeat(20), 20, (6, 5), 8)
    assert len(set(places(same.batches(20), 1))) > 10


@pytest.mark.parametrize("start", [1, 3, 7])
def test_start_is_skip(streams, start):
    whole = places(examples(streams).batches(2, seed=2), start + 5)
    assert places(examples(streams).batches(2, seed=2, start=start), 5) == whole[2 * start :]
    assert places(examples(streams).batches(2, seed=3), 12) != whole[:24]


def test_the_centre_elsewhere(streams):
    split = examples(streams)
    (x, y), *_ = split.once(5)
    for found, number in zip(x.numpy(), y.numpy()):
        height, width = SIZES[number]
        top, left = (height - 6) // 2, (width - 5) // 2
        np.testing.assert_array_equal(found, image(number)[top : top + 6, left : left + 5])
    np.testing.assert_array_equal(split.numpy()[0], x)
    assert (split.input_shape, split.dtype, split.is_streamed) == ((6, 5, 3), "uint8", streams)


def test_images_are_resized_before(streams):
    """The shorter side gets its length; crops are parts of that image, to the last bit."""
    big = np.random.default_rng(0).integers(0, 256, (30, 47, 1)).astype("uint8")
    dataset = tf.data.Dataset.from_tensors((big, 0))
    split = CroppedExamples(dataset, 1, (6, 5), 8, memory=0 if streams else None)
    small = resize_short_side(tf.constant(big), 8).numpy()
    assert small.shape == (8, 13, 1)  # 47 * 8 / 30 = 12.53
    parts = {small[i : i + 6, j : j + 5].tobytes() for i in range(3) for j in range(9)}
    assert {x.numpy()[0].tobytes() for x, _ in split.batches(1).take(60)} <= parts
    np.testing.assert_array_equal(next(iter(split.once(1)))[0][0], small[1:7, 4:9])


def test_scales_in_training():
    """Steps between the pixels of a crop say how long the shorter side was: uniformly between its ends."""
    ramp = np.moveaxis(np.indices((64, 90), "float32"), 0, -1)
    dataset = tf.data.Dataset.from_tensors((ramp, 0)).repeat(400)
    split = CroppedExamples(dataset, 400, (24, 24), 32, (32, 64))
    (x, _) = next(iter(split.batches(400, seed=0)))
    steps = (x[:, 20, 20] - x[:, 3, 3]).numpy() / 17
    sides = 64 / steps
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], rtol=0.06)
    np.testing.assert_allclose(np.quantile(sides.mean(1), [0.02, 0.25, 0.5, 0.75, 0.98]), [33, 40, 48, 56, 63], atol=2)
    centres = x[:, 12, 12].numpy()
    assert np.abs(centres.mean(0) - [31.5, 44.5]).max() < 2  # from everywhere in the image
    central = next(iter(split.once(1)))[0][0]
    np.testing.assert_array_equal(central, resize_images(tf.constant(ramp), (24, 24), 32))


def test_weights_stay_with_their_examples(tmp_path, streams):
    draw = np.random.default_rng(0)
    x = np.repeat(np.arange(12, dtype="uint8"), 10 * 14).reshape(12, 10, 14, 1)
    np.savez(tmp_path / "w.npz", x_train=x, y_train=np.arange(12) % 3, w_train=np.arange(12.0))
    data = load(arrays=tmp_path / "w.npz", image_size=(8, 8), resize=10, validation=3)
    for x, y, w in data.train.batches(3, draw.integers(9).item()).take(6):
        np.testing.assert_array_equal(x[:, 0, 0, 0], w)
        np.testing.assert_array_equal(y, np.mod(w, 3))
    assert data.resize == 10 and data.input_shape == (8, 8, 1) == data.validation.input_shape


@pytest.fixture
def photographs(tmp_path):
    """A folder of images of different sizes: four of each of two classes, and two for testing."""
    draw = np.random.default_rng(0)
    for number in range(10):
        split, name = ("test" if number > 7 else "train"), "ab"[number % 2]
        (tmp_path / split / name).mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (*draw.integers(12, 40, 2), 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / split / name / f"{number}.png")
    return tmp_path


def test_a_folder(photographs):
    data = load(folder=photographs, image_size=[6, 6], resize=8, training_short_side=[8, 12])
    assert data.input_shape == (6, 6, 3) == specs(folder=photographs, image_size=(6, 6), resize=8)[0]
    files = sorted((photographs / "test").rglob("*.png"))
    expected = {resize_images(tf.constant(np.asarray(Image.open(file))), (6, 6), 8).numpy().tobytes() for file in files}
    assert {x.tobytes() for x in data.test.numpy()[0]} == expected
    x, y = next(iter(data.train.batches(8)))
    assert x.shape == (8, 6, 6, 3) and sorted(y.numpy()) == [0] * 4 + [1] * 4


def test_a_file_that_is_damaged_later_is_named(photographs):
    data = load(folder=photographs, image_size=(6, 6), resize=8)
    file = photographs / "train" / "a" / "2.png"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(Refusal, match="2.png is damaged"), data.errors():
        list(data.train.batches(4).take(2))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"resize": 8}, r"image_size=\(height, width\) where resize is 8; received image_size=None"),
        ({"resize": 0, "image_size": (6, 6)}, "resize, one of stretch, crop, pad or the length of the shorter side; "),
        ({"resize": True, "image_size": (6, 6)}, "or the length of the shorter side; received resize=True"),
        ({"resize": 8, "image_size": (6, 9)}, r"an image_size of at most the shorter side, 8; received image_size="),
        ({"resize": 8, "image_size": 6}, r"image_size, \(height, width\) in pixels; received image_size=6"),
        (
            {"resize": "crop", "image_size": (6, 6), "training_short_side": (8, 9)},
            "a length as resize for training_sho",
        ),
        (
            {"resize": 8, "image_size": (6, 6), "training_short_side": (5, 9)},
            r"training_short_side, two ascending integers of at least 6; received training_short_side=\(5, 9\)",
        ),
        ({"resize": 8, "image_size": (6, 6), "training_short_side": 9}, "two ascending integers of at least 6"),
    ],
)
def test_refusals(photographs, settings, words):
    with pytest.raises(Refusal, match="load expects .*" + words):
        load(folder=photographs, **settings)


def test_a_dataset_by_name():
    data = load("digits", image_size=(6, 6), resize=8, training_short_side=(6, 8), validation=0.2)
    x, _ = next(iter(data.train.batches(50)))
    assert x.shape == (50, 6, 6, 1) and data.test.numpy()[0].shape == (360, 6, 6, 1)


def test_refuses_label_maps_and_series(tmp_path):
    np.savez(tmp_path / "m.npz", x_train=np.zeros((4, 9, 9, 3)), y_train=np.zeros((4, 9, 9, 1), int))
    words = "load expects images with one label each where resize is the length of the shorter side; received"
    with pytest.raises(Refusal, match=words):
        load(arrays=tmp_path / "m.npz", image_size=(6, 6), resize=8)

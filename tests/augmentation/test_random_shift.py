import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.augmentation.random_shift import RandomShift
from kzoo.checks import Refusal

OUTCOMES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def nielsen(image, down, right, fill=0):
    """Shifts an image as expand_mnist.py does: roll, then clear the rows and columns that were rolled in."""
    moved = np.roll(image, (down, right), (0, 1))
    if down:
        moved[slice(0, down) if down > 0 else slice(down, None)] = fill
    if right:
        moved[:, slice(0, right) if right > 0 else slice(right, None)] = fill
    return moved


def which(image, moved, pixels, fill=0):
    """Returns the outcomes that give `moved`."""
    steps = ((down * pixels, right * pixels) for down, right in OUTCOMES)
    return [number for number, step in enumerate(steps) if np.array_equal(nielsen(image, *step, fill), moved)]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("pixels, fill", [(1, 0), (2, 7)])
def test_each_image_has_one_of_five_outcomes(dtype, pixels, fill):
    images = np.random.default_rng(0).integers(0, 99, (64, 6, 5, 2)).astype(dtype)
    moved = np.array(RandomShift(pixels, fill_value=fill, seed=1)(images))
    assert moved.dtype == dtype
    found = [which(image, out, pixels, fill) for image, out in zip(images, moved)]
    assert all(len(outcomes) == 1 for outcomes in found)
    assert {outcome for (outcome,) in found} == set(range(5))


def test_the_five_outcomes_are_equally_likely():
    image = np.random.default_rng(0).random((6, 6, 1)).astype("float32")
    moved = np.array(RandomShift(seed=0)(np.repeat(image[None], 5000, axis=0)))
    counts = np.bincount([which(image, out, 1)[0] for out in moved], minlength=5)
    assert abs(counts - 1000).max() < 120  # four standard deviations


def test_channels_first_is_the_same_shift():
    images = np.random.default_rng(0).random((16, 6, 5, 3)).astype("float32")
    last = np.array(RandomShift(seed=4, data_format="channels_last")(images))
    first = np.array(RandomShift(seed=4, data_format="channels_first")(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


def test_single_images_are_shifted_too():
    image = np.random.default_rng(0).random((6, 5, 1)).astype("float32")
    layer = RandomShift(seed=0)
    outcomes = {which(image, np.array(layer(image)), 1)[0] for _ in range(40)}
    assert outcomes == set(range(5))


def test_a_shift_past_the_edge_leaves_only_the_fill_value():
    moved = np.array(RandomShift(9, fill_value=3, seed=0)(np.ones((20, 4, 4, 1), "uint8")))
    assert set(np.unique(moved)) == {1, 3}
    assert all(len(np.unique(image)) == 1 for image in moved)


def test_inference_leaves_images_unchanged():
    images = np.random.default_rng(0).random((8, 4, 4, 1)).astype("float32")
    np.testing.assert_array_equal(RandomShift()(images, training=False), images)
    model = keras.Sequential([keras.Input((4, 4, 1)), RandomShift()])
    np.testing.assert_array_equal(model.predict(images, verbose=0), images)


def test_works_in_tf_data_with_unknown_sizes():
    images = np.random.default_rng(0).integers(0, 255, (8, 6, 5, 1), "uint8")
    layer = RandomShift(seed=0)
    generate = tf.data.Dataset.from_generator(
        lambda: iter([images]), output_signature=tf.TensorSpec((None,) * 4, "uint8")
    )
    (moved,) = generate.map(layer).as_numpy_iterator()
    assert moved.dtype == np.uint8 and all(which(a, b, 1) for a, b in zip(images, moved))


def test_config_and_saving(tmp_path):
    layer = RandomShift(2, fill_value=1.5, seed=3, data_format="channels_first", name="shift")
    config = layer.get_config()
    assert {key: config[key] for key in ("pixels", "fill_value", "seed", "data_format")} == {
        "pixels": 2,
        "fill_value": 1.5,
        "seed": 3,
        "data_format": "channels_first",
    }
    assert RandomShift.from_config(config).get_config() == config
    assert keras.saving.get_registered_name(RandomShift) == "kzoo>RandomShift"
    model = keras.Sequential([keras.Input((3, 4, 4)), layer])
    assert model.output_shape == (None, 3, 4, 4)
    model.save(tmp_path / "shift.keras")
    assert keras.models.load_model(tmp_path / "shift.keras").layers[0].get_config() == config


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"pixels": 0}, "RandomShift expects pixels, an integer above 0; received pixels=0"),
        ({"pixels": 1.5}, "pixels, an integer above 0; received pixels=1.5"),
        ({"data_format": "middle"}, "RandomShift expects data_format, one of .* received data_format='middle'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        RandomShift(**settings)


def test_refuses_wrong_ranks():
    with pytest.raises(ValueError, match=r"images of rank 3 or 4; received shape=\(4, 4\)"):
        RandomShift()(np.zeros((4, 4)))

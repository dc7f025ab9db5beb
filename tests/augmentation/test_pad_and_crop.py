import keras
import numpy as np
import pytest

from kzoo.analysis.receptive_field import receptive_fields
from kzoo.analysis.unknown_layer import unknown_layers
from kzoo.augmentation.pad_and_crop import PadAndCrop
from kzoo.checks import Refusal

IMAGE = np.arange(1, 1 + 6 * 5).reshape(6, 5, 1).astype("float32")


def crops(image, padding, height, width, fill=0):
    """Returns {(row, column): crop} of all crops of a padded image."""
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), constant_values=fill)
    rows, columns = padded.shape[0] - height + 1, padded.shape[1] - width + 1
    return {(r, c): padded[r : r + height, c : c + width] for r in range(rows) for c in range(columns)}


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
def test_all_shifts_up_to_the_padding_are_equally_likely(dtype):
    """He et al. pad 4 pixels: 81 shifts. Keras's RandomTranslation draws shifts of 4 half as often as the others."""
    expected = {crop.tobytes(): place for place, crop in crops(IMAGE.astype(dtype), 4, 6, 5, 7).items()}
    assert len(expected) == 81
    moved = np.array(PadAndCrop(4, fill_value=7, seed=0)(np.repeat(IMAGE.astype(dtype)[None], 8100, 0)))
    places = np.array([expected[image.tobytes()] for image in moved])  # a KeyError: no whole shift
    for axis in (0, 1):
        assert np.abs(np.bincount(places[:, axis], minlength=9) - 900).max() < 4 * np.sqrt(900)
    pairs = np.bincount(places[:, 0] * 9 + places[:, 1], minlength=81)
    assert np.abs(pairs - 100).max() < 4.5 * 10 and abs(np.corrcoef(places.T)[0, 1]) < 0.05


def test_crops_of_larger_images():
    known = {crop.tobytes() for crop in crops(IMAGE, 0, 4, 3).values()}
    moved = np.array(PadAndCrop(height=4, width=3, seed=1)(np.repeat(IMAGE[None], 200, 0)))
    assert moved.shape == (200, 4, 3, 1) and {image.tobytes() for image in moved} == known


@pytest.mark.parametrize("fill_mode, mode", [("nearest", "edge"), ("reflect", "symmetric")])
def test_other_paddings(fill_mode, mode):
    padded = np.pad(IMAGE, ((2, 2), (2, 2), (0, 0)), mode)
    known = {place.tobytes() for place in crops(padded, 0, 6, 5).values()}
    moved = np.array(PadAndCrop(2, fill_mode=fill_mode, seed=1)(np.repeat(IMAGE[None], 100, 0)))
    assert {image.tobytes() for image in moved} <= known


def test_the_central_crop_at_inference():
    x = IMAGE[None]
    np.testing.assert_array_equal(PadAndCrop(1, height=4, width=3)(x, training=False), x[:, 1:5, 1:4])
    np.testing.assert_array_equal(PadAndCrop(1, height=8)(x, training=False)[:, 1:7], x)


def test_is_a_random_crop_within_a_model():
    """In data.preprocess: a crop of its own for each image in training, the central one at inference."""
    layer = PadAndCrop(height=4, width=3, seed=0)
    x = np.repeat(IMAGE[None], 20, 0)
    assert len({image.tobytes() for image in np.array(layer(x, training=True))}) > 3
    assert len({image.tobytes() for image in np.array(layer(x, training=False))}) == 1


def test_analyses_see_the_central_crop():
    for data_format, shape in {"channels_last": (9, 8, 3), "channels_first": (3, 9, 8)}.items():
        x = keras.Input(shape)
        model = keras.Model(x, PadAndCrop(1, height=5, width=2, data_format=data_format)(x))
        assert not unknown_layers(model)
        _, field = receptive_fields(model).popitem()
        assert [(one.size, one.padding) for one in field] == [(1, -2), (1, -3)]
    x = keras.Input((None, 8, 3))
    assert all(one.size is None for one in PadAndCrop(height=4).receptive_field([x.shape]))
    assert all(one.size == 1 for one in PadAndCrop(4).receptive_field([x.shape]))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"padding": -1}, "PadAndCrop expects padding, an integer of at least 0; received padding=-1"),
        ({"height": 0}, "height, an integer above 0 or None; received height=0"),
        ({"width": 2.5}, "width, an integer above 0 or None; received width=2.5"),
        ({"fill_mode": "wrap"}, "fill_mode, one of .*; received fill_mode='wrap'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        PadAndCrop(**settings)


def test_refuses_crops_larger_than_the_padded_image():
    words = r"padded images of at least the crop's \(9, 5\) pixels; received height=6, width=5, padding=1"
    for training in (True, False):
        with pytest.raises(ValueError, match=words):
            PadAndCrop(1, height=9)(IMAGE[None], training=training)

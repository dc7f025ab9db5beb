"""RandAugment against Pillow, one operation at a time, and the distribution of its operations."""

import math

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from kzoo.augmentation.rand_augment import OPERATIONS, RandAugment
from kzoo.checks import Refusal

IMAGE = np.kron(np.random.default_rng(0).integers(0, 256, (10, 8, 3)), np.ones((4, 4, 1))).astype("uint8")
STRENGTH = 0.7
GREY = (127, 127, 127)


def affine(image, *numbers):
    return image.transform(image.size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR, fillcolor=GREY)


def rotate(image, sign):
    return image.rotate(sign * 30 * STRENGTH, Image.Resampling.BILINEAR, fillcolor=GREY)


PILLOW = {  # {operation: function of (image, sign)}
    "identity": lambda image, sign: image,
    "auto_contrast": lambda image, sign: ImageOps.autocontrast(image),
    "equalize": lambda image, sign: ImageOps.equalize(image),
    "posterize": lambda image, sign: ImageOps.posterize(image, 8 - round(4 * STRENGTH)),
    "solarize": lambda image, sign: ImageOps.solarize(image, 256 * (1 - STRENGTH)),
    "brightness": lambda image, sign: ImageEnhance.Brightness(image).enhance(1 + sign * 0.9 * STRENGTH),
    "color": lambda image, sign: ImageEnhance.Color(image).enhance(1 + sign * 0.9 * STRENGTH),
    "contrast": lambda image, sign: ImageEnhance.Contrast(image).enhance(1 + sign * 0.9 * STRENGTH),
    "sharpness": lambda image, sign: ImageEnhance.Sharpness(image).enhance(1 + sign * 0.9 * STRENGTH),
    "rotate": rotate,
    "shear_x": lambda image, sign: affine(image, 1, sign * 0.3 * STRENGTH, 0, 0, 1, 0),
    "shear_y": lambda image, sign: affine(image, 1, 0, 0, sign * 0.3 * STRENGTH, 1, 0),
    "translate_x": lambda image, sign: affine(image, 1, 0, sign * 150 / 331 * STRENGTH * image.width, 0, 1, 0),
    "translate_y": lambda image, sign: affine(image, 1, 0, 0, 0, 1, sign * 150 / 331 * STRENGTH * image.height),
}


def test_the_operations_of_the_paper():
    assert set(OPERATIONS) == set(PILLOW) and len(OPERATIONS) == 14


def drawn(*names, sign=1):
    return [(np.array([OPERATIONS.index(name)]), np.array([sign], "float32")) for name in names]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", PILLOW)
def test_equals_pillow(name, sign):
    layer = RandAugment(1, 10 * STRENGTH)
    found = np.array(layer.transform_images(IMAGE[None].astype("float32"), drawn(name, sign=sign)))[0]
    expected = np.asarray(PILLOW[name](Image.fromarray(IMAGE), sign)).astype(float)
    difference = np.abs(found - expected)
    if name in OPERATIONS[-5:]:  # Pillow shifts by half a pixel and does not blend with what lies beyond the border
        assert np.median(difference) < 3 and np.mean(difference > 60) < 0.08
    else:
        assert difference.max() < 2.1  # of bytes that Pillow rounds, times a factor


def test_moves_know_their_direction():
    """Pixels of a ramp say where they came from."""
    ramp = np.moveaxis(np.indices((40, 32), "float32"), 0, -1)[None]
    ramp = np.concatenate([ramp, ramp[..., :1]], -1)
    layer = RandAugment(1, 10, fill_mode="nearest")
    found = {
        name: np.array(layer.transform_segmentation_masks(ramp, drawn(name)))[0, 20, 16, :2] for name in OPERATIONS[-5:]
    }
    angle = math.radians(30)
    down, right = 20 - 19.5, 16 - 15.5
    expected = {
        "rotate": (
            19.5 + down * math.cos(angle) + right * math.sin(angle),
            15.5 - down * math.sin(angle) + right * math.cos(angle),
        ),
        "shear_x": (20, 16 + 0.3 * 20),
        "shear_y": (20 + 0.3 * 16, 16),
        "translate_x": (20, 31),
        "translate_y": (20 + 150 / 331 * 40, 16),
    }
    for name, place in expected.items():
        np.testing.assert_allclose(found[name], place, atol=0.51, err_msg=name)


def test_each_operation_is_equally_likely_and_images_draw_their_own():
    pairs = RandAugment(2, seed=0).draw((14000, 8, 8, 3))
    for operations, signs in pairs:
        counts = np.bincount(np.array(operations), minlength=14)
        assert len(counts) == 14 and np.abs(counts - 1000).max() < 130  # four standard deviations
        assert abs(np.mean(np.array(signs))) < 0.04 and set(np.unique(signs)) == {-1, 1}
    (first, signs), (second, _) = pairs
    for a, b in ((first, second), (first, signs)):
        assert abs(np.corrcoef(np.array(a), np.array(b))[0, 1]) < 0.04


def test_operations_follow_each_other():
    layer = RandAugment(2, 10 * STRENGTH)
    twice = np.array(layer.transform_images(IMAGE[None].astype("float32"), drawn("solarize", "posterize")))[0]
    solarized = ImageOps.solarize(Image.fromarray(IMAGE), 256 * (1 - STRENGTH))
    np.testing.assert_array_equal(twice, ImageOps.posterize(solarized, 8 - round(4 * STRENGTH)))


def test_magnitude_0_moves_and_blends_nothing():
    layer, x = RandAugment(1, 0), IMAGE[None].astype("float32")
    for name in set(OPERATIONS) - {"auto_contrast", "equalize"}:
        np.testing.assert_allclose(layer.transform_images(x, drawn(name)), x, atol=1e-3, err_msg=name)


def test_label_maps_move_and_keep_their_labels():
    """A map that is the first channel of its image, moved by the nearest pixel, is near where its image is."""
    maps = np.kron(np.array([[1, 2], [3, 4]]), np.ones((20, 16)))[None, ..., None].astype("float32")
    layer = RandAugment(1, 6, fill_mode="reflect")
    for name in OPERATIONS:
        found = np.array(layer.transform_segmentation_masks(maps, drawn(name)))
        assert set(np.unique(found)) <= {1, 2, 3, 4}
        shown = np.array(layer.transform_images(60 * maps, drawn(name)))
        if name in OPERATIONS[-5:]:
            assert np.mean(np.abs(shown / 60 - found) > 0.51) < 0.02 and not np.array_equal(found, maps)
        else:
            np.testing.assert_array_equal(found, maps)


def test_the_value_range_and_grey_images():
    for images, value_range in ((IMAGE / 255.0, (0, 1)), (IMAGE[..., :1] / 127.5 - 1.0, (-1, 1))):
        x = np.repeat(images[None].astype("float32"), 30, 0)
        black, white = value_range
        found = np.array(RandAugment(2, 8, value_range, seed=3)(x))
        scaled = np.array(RandAugment(2, 8, seed=3)((x - black) * 255 / (white - black)))
        np.testing.assert_allclose((found - black) * 255 / (white - black), scaled, atol=0.6)
        assert found.min() >= black and found.max() <= white


def test_the_fill_value():
    moved = np.array(RandAugment(1, 10, fill_value=200).transform_images(IMAGE[None] * 0.0, drawn("translate_x")))
    assert set(np.unique(moved.round())) == {0, 200} or 200 in np.unique(moved.round())
    grey = np.array(RandAugment(1, 10).transform_images(IMAGE[None] * 0.0, drawn("translate_x")))
    assert grey.max() == 127.5


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"num_ops": 0}, "RandAugment expects num_ops, an integer above 0; received num_ops=0"),
        ({"magnitude": 11}, "magnitude, a number from 0 to 10; received magnitude=11"),
        ({"magnitude": "9"}, "magnitude, a number from 0 to 10; received magnitude='9'"),
        ({"fill_mode": "wrap"}, "fill_mode, one of .*; received fill_mode='wrap'"),
        ({"fill_value": "grey"}, "fill_value, a finite number; received fill_value='grey'"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        RandAugment(**settings)


def test_refuses_images_without_colours():
    with pytest.raises(ValueError, match="images of 1 or 3 channels; received channels=2"):
        RandAugment()(np.zeros((2, 4, 4, 2)))

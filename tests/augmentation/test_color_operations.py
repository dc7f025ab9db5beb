"""Operations on colours against those of Pillow."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from kzoo.augmentation import color_operations

RNG = np.random.default_rng(0)
# dark, in few colours, and of all values; the last has more pixels than values
IMAGES = [
    RNG.integers(20, 90, (12, 17, 3)).astype("uint8"),
    RNG.choice(np.array([3, 200], "uint8"), (8, 8, 3)),
    np.full((5, 4, 3), 7, "uint8"),
    (RNG.beta(2, 5, (60, 50, 3)) * 255).astype("uint8"),
]


def of_pillow(function):
    return [np.asarray(function(Image.fromarray(image))).astype(int) for image in IMAGES]


def of_kzoo(function):
    return [np.rint(np.array(function(image[None].astype("float32"))[0])).astype(int) for image in IMAGES]


OPERATIONS = {
    "auto_contrast": (color_operations.auto_contrast, ImageOps.autocontrast, 1),  # Pillow cuts what is here rounded
    "equalize": (color_operations.equalize, ImageOps.equalize, 0),
    **{
        f"posterize{bits}": (
            lambda x, bits=bits: color_operations.posterize(x, bits),
            lambda image, bits=bits: ImageOps.posterize(image, bits),
            0,
        )
        for bits in (4, 7, 8)
    },
    **{
        f"solarize{threshold}": (
            lambda x, threshold=threshold: color_operations.solarize(x, threshold),
            lambda image, threshold=threshold: ImageOps.solarize(image, threshold),
            0,
        )
        for threshold in (0, 128, 256)
    },
    "smooth": (color_operations.smooth, lambda image: image.filter(ImageFilter.SMOOTH), 1),
    "grey": (
        lambda x: np.repeat(color_operations.grey_image(x), 3, -1),
        lambda image: ImageEnhance.Color(image).enhance(0.0),
        1,
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_equals_pillow(name):
    ours, theirs, tolerance = OPERATIONS[name]
    for found, expected in zip(of_kzoo(ours), of_pillow(theirs)):
        assert found.shape == expected.shape and np.abs(found - expected).max() <= tolerance


def test_images_of_a_batch_and_channels_do_not_mix():
    """Keras's Equalization counts the values of the whole batch."""
    batch = np.stack([IMAGES[3], IMAGES[3] // 4]).astype("float32")
    for function in (color_operations.equalize, color_operations.auto_contrast):
        both = np.array(function(batch))
        for image, found in zip(batch, both):
            np.testing.assert_array_equal(function(image[None])[0], found)
            np.testing.assert_array_equal(np.array(function(image[None, ..., 1:2]))[0, ..., 0], found[..., 1])


def test_grey_images_and_small_ones():
    grey = IMAGES[0][None, ..., :1].astype("float32")
    np.testing.assert_array_equal(color_operations.grey_image(grey), grey)
    for shape in ((1, 1, 1, 3), (2, 1, 5, 1), (1, 2, 2, 3)):
        tiny = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
        np.testing.assert_array_equal(color_operations.smooth(tiny), tiny)  # all at the border
        assert np.isfinite(np.array(color_operations.equalize(tiny))).all()

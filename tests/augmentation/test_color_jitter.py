"""Colour jitter against the blends of its source and Python's colorsys."""

import colorsys

import numpy as np
import pytest

from kzoo.augmentation.color_jitter import ColorJitter, turn_hue
from kzoo.checks import Refusal

IMAGES = np.random.default_rng(0).uniform(60, 180, (4, 6, 5, 3)).astype("float32")


def blend(x, other, factor):
    return factor * x + (1 - factor) * other


def jittered(x, brightness, contrast, saturation, order):
    """The three blends of fb.resnet.torch, one after the other, in an order."""
    luma = np.array([0.299, 0.587, 0.114])
    for name in order:
        grey = (x * luma).sum(-1, keepdims=True)
        if name == "b":
            x = blend(x, 0, brightness)
        elif name == "c":
            x = blend(x, grey.mean(), contrast)
        else:
            x = blend(x, grey, saturation)
    return x


@pytest.mark.parametrize("order", ["bcs", "bsc", "cbs", "csb", "sbc", "scb"])
def test_equals_the_blends_of_the_source_in_any_order(order):
    layer = ColorJitter(0.2, 0.2, 0.2, seed=1)
    factors = layer.draw(IMAGES.shape)
    y = np.array(layer.transform_images(IMAGES, factors))
    for image, found, *each in zip(IMAGES, y, *(np.array(factor).ravel() for factor in factors[:3])):
        np.testing.assert_allclose(found, jittered(image.astype("float64"), *each, order), rtol=1e-4)


def test_factors_are_uniform_and_independent():
    drawn = ColorJitter(0.1, 0.2, 0.3, 0.4, seed=0).draw((20000, 2, 2, 3))
    drawn = np.array([np.array(each).ravel() for each in drawn])
    for each, mean, strength in zip(drawn, (1, 1, 1, 0), (0.1, 0.2, 0.3, 0.4)):
        quantiles = np.quantile(each, [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(quantiles, mean + strength * np.array([-1, -0.5, 0, 0.5, 1]), atol=0.02)
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.03


@pytest.mark.parametrize("turn", [-0.5, -0.2, 0, 0.1, 1 / 3, 0.5])
def test_hues_turn_as_those_of_colorsys(turn):
    colours = np.random.default_rng(1).uniform(0, 1, (300, 3))
    colours[:6] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5], [0, 0, 0], [0.2, 0.2, 0.7]]
    expected = []
    for hue, saturation, value in (colorsys.rgb_to_hsv(*colour) for colour in colours):
        expected.append(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
    np.testing.assert_allclose(turn_hue(colours.astype("float32"), turn), expected, atol=2e-5)


def test_no_strength_changes_nothing():
    plain = ColorJitter(0, 0, 0, seed=1)(IMAGES)
    np.testing.assert_allclose(plain, IMAGES, rtol=1e-5)
    bytes_ = IMAGES.astype("uint8")
    np.testing.assert_array_equal(ColorJitter(0, 0, 0, seed=1)(bytes_), bytes_)


def test_the_value_range():
    """An image of other values of black and white becomes the same picture; and values stay between them."""
    of_bytes = np.array(ColorJitter(0.9, 0.9, 0.9, 0.5, seed=1)(IMAGES))
    scaled = ColorJitter(0.9, 0.9, 0.9, 0.5, value_range=(-1, 1), seed=1)(IMAGES / 127.5 - 1)
    np.testing.assert_allclose((np.array(scaled) + 1) * 127.5, of_bytes, atol=1e-2)
    bright = np.array(ColorJitter(0.9, 0.9, 0.9, 0.5, seed=1)(np.repeat(IMAGES * 1.4, 9, 0)))
    assert bright.min() == 0 and bright.max() == 255


def test_bytes_are_rounded():
    exact = np.array(ColorJitter(hue=0.3, seed=5)(np.rint(IMAGES)))
    np.testing.assert_array_equal(ColorJitter(hue=0.3, seed=5)(np.rint(IMAGES).astype("uint8")), np.rint(exact))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"brightness": -0.1}, "ColorJitter expects brightness, a number from 0 to 1; received brightness=-0.1"),
        ({"contrast": 1.5}, "contrast, a number from 0 to 1; received contrast=1.5"),
        ({"saturation": [0, 1]}, r"saturation, a number from 0 to 1; received saturation=\[0, 1\]"),
        ({"hue": 0.6}, "hue, a number from 0 to 0.5; received hue=0.6"),
        ({"value_range": (1, 0)}, "value_range, two finite numbers, black below white"),
    ],
)
def test_refusals(settings, words):
    with pytest.raises(Refusal, match=words):
        ColorJitter(**settings)


def test_refuses_images_without_three_channels():
    with pytest.raises(ValueError, match="images of 3 channels; received channels=1"):
        ColorJitter()(np.zeros((2, 4, 4, 1)))

"""The class of each pixel in colours, of models that have one."""

import re

import keras
import numpy as np
import pytest

from kzoo.explore.session import Session
from kzoo.explore.site import PAGE
from tests.explore.page.shown import Shown, served

SOURCE = (PAGE / "label_map.js").read_text("utf-8")
COLOURS = re.findall('"(#[0-9a-f]{6})"', SOURCE)

pytestmark = pytest.mark.large


@pytest.fixture(scope="module")
def roads():
    """A session of images whose pixels each get the class of their channel with the largest value."""
    labels = ["sky", "road", "tree"]
    examples = np.eye(3)[np.random.default_rng(0).integers(0, 3, (2, 9, 12))]
    return Session(keras.Sequential([keras.Input((9, 12, 3)), keras.layers.ReLU()]), "A model", examples, labels=labels)


def test_a_label_map_in_colours(browser, roads):
    expected = roads.example(0).argmax(-1)
    with served(roads) as address:
        shown = Shown(browser, address)
        colours, drawn = shown.page.evaluate(
            """async () => {
                const { COLOURS } = await import("./page/label_map.js");
                const canvas = document.querySelector(".label-map canvas");
                return [COLOURS, [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]];
            }"""
        )
        assert colours == COLOURS
        palette = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] + [255] for colour in colours])
        np.testing.assert_array_equal(np.reshape(drawn, (9, 12, 4)), palette[expected])
        swatches = shown.page.locator(".outputs .swatch")
        legend = [swatches.nth(k).evaluate("e => getComputedStyle(e).backgroundColor") for k in range(3)]
        assert legend == [f"rgb({r}, {g}, {b})" for r, g, b, _ in palette[:3]]
        assert shown.page.locator(".outputs th").all_inner_texts() == roads.labels
        text = shown.page.locator(".label-map p")
        assert text.inner_text() == "Point, or use the arrow keys, for a pixel's class."
        shown.page.focus(".label-map canvas")
        for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
            shown.page.keyboard.press(key)
        assert text.inner_text() == f"Position 3, 5: {roads.labels[expected[3, 5]]}"
        box = shown.page.locator(".label-map canvas").bounding_box()
        shown.page.mouse.move(box["x"] + 10.5 / 12 * box["width"], box["y"] + 0.5 / 9 * box["height"])
        assert text.inner_text() == f"Position 0, 10: {roads.labels[expected[0, 10]]}"
        for width, scheme in ((390, "dark"), (1280, "light")):
            shown.resize(width, scheme)
            assert shown.fits()
            shown.screenshot(f"label-map-{width}-{scheme}")
        shown.page.click("#clear")
        shown.settle()
        share = shown.page.locator(".outputs .number").first.inner_text()
        assert share == "1.000" and text.inner_text().startswith("Point, or")
        assert shown.printed == []
        shown.page.close()


# What colours become without one of the three kinds of cones, linear in light.
# Source: Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency".
VISIONS = [
    np.eye(3),
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
]


def lab(light):
    """Returns linear RGB in CIELAB, in which a distance of 2 can just be seen."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(light, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


@pytest.mark.parametrize("vision", range(4), ids=["normal", "protanopia", "deuteranopia", "tritanopia"])
def test_colours_of_classes_differ_for_all_kinds_of_vision(vision):
    srgb = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in COLOURS])
    light = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    seen = lab(light @ np.transpose(VISIONS[vision]))
    distances = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1000 * np.eye(len(seen))
    assert len(COLOURS) == 20 and distances[:12, :12].min() > 14 and distances.min() > 10

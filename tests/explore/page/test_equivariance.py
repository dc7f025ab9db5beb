"""The panel of equivariance errors, which is shown while the sliders move the example."""

import numpy as np
import pytest

from kzoo.analysis.transforms import transform_array
from tests.explore.page.shown import Shown

pytestmark = pytest.mark.large


def test_the_error_of_equivariance_is_shown_while_the_sliders_are_off_zero(browser, address, images):
    shown = Shown(browser, address)
    panel = shown.page.locator(".equivariance-panel")
    assert not panel.is_visible()
    shown.slide("noise", 0.2)
    assert not panel.is_visible()
    for shift, between in ((3, True), (2, False)):
        shown.slide("x", shift)
        expected = images.equivariance(images.example(0), (1, 0, 0, shift))
        assert shown.errors() == [
            ["between" if between and name != "conv" else "", name, f"{one['error']:.3f}", f"{one['inner']:.3f}"]
            for name, one in zip(("conv", "pool", "conv2"), expected)
        ]
        assert [one["inner"] > 0.1 for one in expected] == [False, between, between]
    shown.slide("angle", 30)
    shown.slide("size", 1.5)
    shown.slide("y", -1)
    amount = (1.5, -30, -1, 2)
    expected = images.equivariance(images.example(0), amount)
    assert [row[2] for row in shown.errors()] == [f"{one['error']:.3f}" for one in expected]
    shown.slide("noise", 0)
    shown.settle()
    measured = transform_array(images.example(0)[None], "similarity", amount, "zeros")[0, ..., 0]
    np.testing.assert_allclose(images._latest[1].maps[0][0], measured, atol=1e-5)  # the input that is shown
    shown.page.click("#clear")
    assert shown.errors()[0][2] == "0.000"  # nothing moves in an image of one value, and no bias is learned yet
    shown.page.focus("#reset")
    shown.page.keyboard.press("Enter")
    assert not panel.is_visible() and shown.printed == []
    shown.page.close()


def test_only_the_last_place_of_the_sliders_is_measured(browser, address, images, monkeypatch):
    asked, measure = [], images.equivariance
    monkeypatch.setattr(images, "equivariance", lambda x, *args: asked.append(args[0]) or measure(x, *args))
    shown = Shown(browser, address)
    shown.page.locator('input[data-key="x"]').evaluate(
        """async (slider) => {
            for (slider.value = 1; slider.value <= 5; slider.value++) {
                slider.dispatchEvent(new Event("input"));
                await new Promise((resolve) => setTimeout(resolve, 100));
            }
        }"""
    )
    assert len(shown.errors()) == 3 and asked == [(1, 0, 0, 5)]
    shown.page.close()

"""The views of a map that is shown large: its filter, its top patches, an input that maximizes it, its deconvnet."""

import numpy as np
import pytest

from tests.explore.page.shown import Shown, red

pytestmark = pytest.mark.large


def test_views_of_a_clicked_map(browser, address, images):
    shown = Shown(browser, address)
    assert not shown.page.is_visible(".unit")
    x = images.example(0)
    unit = int(images.compute(x).maps[3].max((1, 2)).argmax())
    shown.maps("conv2").nth(unit).click()
    for name in ("filter", "patches", "maximized", "deconvnet"):
        text, figures = shown.view(name)
        expected = images.unit_view(name, 3, unit, x)
        assert text == expected.text
        assert figures.all_inner_texts() == [picture.title for picture in expected.pictures]
        limit = max((np.abs(each.values).max() for each in expected.pictures if each.signed), default=0)
        for k, (_, values, signed) in enumerate(expected.pictures):
            share = values[..., 0] / limit if signed else values[..., 0].clip(0, 1)
            colour = np.where(share < 0, 255 * (1 + share), 255 - 42 * share) if signed else 255 * share
            np.testing.assert_allclose(red(figures.nth(k)), colour, atol=1)
    for width, scheme in ((1280, "light"), (390, "dark")):
        shown.resize(width, scheme)
        assert shown.fits() and shown.printed == []
        shown.screenshot(f"unit-{width}-{scheme}")
    shown.page.click("#clear")
    shown.settle()
    assert shown.view("deconvnet")[0] == images.unit_view("deconvnet", 3, unit, np.zeros_like(x)).text != text
    shown.maps("conv").nth(1).click()  # there is no rectifier before it
    text, figures = shown.view("deconvnet")
    assert text.startswith("project expects a rectifier (ReLU)") and figures.count() == 0
    assert not shown.page.locator(".message:visible").count()
    shown.page.close()


def test_views_of_a_unit_of_a_vector_and_of_an_input(browser, address, images):
    shown = Shown(browser, address)
    shown.click_cell("fc", 0, 0.35, 0.5)
    assert shown.page.inner_text(".large-text").startswith("fc (Dense), unit 3; all 10 units: ")
    assert shown.view("patches")[1].all_inner_texts() == [
        picture.title for picture in images.unit_view("patches", 5, 3, images.example(0)).pictures
    ]
    assert not shown.page.is_visible('details[data-view="filter"]')
    shown.maps("input").first.click()
    assert not shown.page.is_visible(".unit")
    assert shown.printed == []
    shown.page.close()


def test_a_view_is_awaited_and_shown_for_the_map_chosen_last(browser, address, images):
    shown = Shown(browser, address)
    shown.maps("conv2").nth(2).click()
    shown.settle()
    with images._lock:
        shown.page.click('details[data-view="patches"] summary')
        text = shown.page.locator('details[data-view="patches"] p')
        text.filter(has_text="computing…").wait_for()
        shown.maps("conv2").nth(4).click()
        assert text.inner_text() == "computing…"
    assert shown.view("patches")[1].all_inner_texts() == [
        picture.title for picture in images.unit_view("patches", 3, 4, images.example(0)).pictures
    ]
    shown.page.close()

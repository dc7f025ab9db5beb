"""Two models side by side, with one input."""

import numpy as np
import pytest

from tests.explore.page.shown import Shown, served

pytestmark = pytest.mark.large


def test_two_models_side_by_side(browser, signals):
    with served(*signals) as address:
        shown = Shown(browser, address)
        page = shown.page
        assert page.inner_text("#title") == "mnist1d_cnn and mnist1d_local at work"
        assert page.locator(".model .name").all_inner_texts() == ["mnist1d_cnn", "mnist1d_local"]
        assert page.inner_text("#origin") == "Examples and labels are those of mnist1d_cnn."
        for number, session in enumerate(signals):
            value = session.compute(session.example(0)).maps[2][3, 4]
            text = shown.cell("stage2", 3, 4.5 / 9, 0.5, number)
            assert text.startswith("stage2, map 3, position 4: ") and text.endswith("depends on 7 of the input.")
            assert (", by a kernel of its own;" in text) == (number == 1)
            assert float(text.split(": ")[1].split(";")[0].split(",")[0]) == pytest.approx(value, rel=1e-3)
            assert shown.part(".cell", 1 - number).inner_text().strip() == ""
            assert shown.part(".seen", number).count() == 3 and shown.part(".seen", 1 - number).count() == 0
            page.mouse.down()
            page.mouse.up()
            shown.settle()
            mark = page.locator(".input-box .cursor").first
            assert mark.is_visible() and mark.evaluate("e => e.style.getPropertyValue('--w')") == "17.5%"
            assert shown.part(".sums h3", number).inner_text() == "Position 4 is a sum of products" + (
                ", with a kernel of its own" if number else ""
            )
        shown.slide("x", 2)
        for number, session in enumerate(signals):
            expected = session.equivariance(session.example(0), (1, 0, 2))
            assert [row[1:3] for row in shown.errors(number)] == [
                [f"stage{step + 1}", f"{one['error']:.3f}"] for step, one in enumerate(expected)
            ]
        for width, scheme in ((390, "dark"), (1280, "light")):
            shown.resize(width, scheme)
            left, right = (page.locator(".model").nth(number).bounding_box() for number in range(2))
            side_by_side = left["y"] == right["y"] and left["x"] + left["width"] < right["x"]
            assert side_by_side == (width == 1280) and shown.fits()
            shown.screenshot(f"two-{width}-{scheme}")
        page.click("#reset")
        before = [shown.outputs(number) for number in range(2)]
        page.click("#invert")
        for number, session in enumerate(signals):
            outputs = [float(text) for text in shown.outputs(number)]
            np.testing.assert_allclose(outputs, session.compute(-session.example(0)).outputs, atol=6e-4)
            assert shown.outputs(number) != before[number]
        assert shown.printed == []
        page.close()

"""The input on the page: drawing, dragging, sliders, files, examples of several inputs."""

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.explore.open_session import open_session
from kzoo.explore.session import Session
from tests.explore.page.shown import Shown, served


def test_drawing_changes_predictions_and_maps(browser, address, images):
    shown = Shown(browser, address)
    page = shown.page
    page.click("#clear")
    before = shown.outputs()
    np.testing.assert_allclose(
        [float(text) for text in before], images.compute(np.zeros((28, 28, 1))).outputs, atol=6e-4
    )
    shown.drag((60, 60), (200, 200))
    assert shown.outputs() != before
    drawn = images._latest[1].maps[0][0]  # what the server was sent
    assert (np.diag(drawn)[8:18] == 1).all() and drawn.min() == 0 and (drawn > 0).mean() < 0.3
    page.check("#erase")
    shown.drag((200, 200), (60, 60))
    assert images._latest[1].maps[0][0].max() < 0.5
    assert shown.printed == []
    page.close()


@pytest.mark.large
def test_a_signal_is_dragged(browser):
    session = open_session("mnist1d_tiled")
    with served(session) as address:
        shown = Shown(browser, address)
        before, x = shown.outputs(), session.example(0)[:, 0]
        width = shown.page.locator("#input").bounding_box()["width"]
        shown.drag((width / 4, 20), (width / 2, 20))
        assert shown.outputs() != before
        y = session._latest[1].maps[0][0]
        assert np.ptp(y[10:20]) < 1e-5 and y[10] > 2
        np.testing.assert_array_equal(y[22:], x[22:])
        assert ", by kernel 0 of the tile; it depends on 7 of the input." in shown.cell("stage2", 3, 0.5, 0.5)
        shown.maps("stage2").nth(3).click()
        curves = shown.view("patches")[1].locator("polyline.curve")
        assert curves.count() == 9 and len(curves.first.get_attribute("points").split()) == 7
        assert shown.fits() and shown.printed == []
        shown.screenshot("mnist1d_tiled")
        shown.page.close()


def test_sliders_move_the_example(browser, address, images):
    shown = Shown(browser, address)
    page, x = shown.page, images.example(0)[..., 0]

    def slide(key, value):
        shown.slide(key, value)
        shown.settle()
        return images._latest[1].maps[0][0]

    moved = slide("x", 7)
    np.testing.assert_allclose(moved[:, 7:], x[:, :-7], atol=1e-6)
    assert (moved[:, :7] == 0).all()
    slide("x", 0)
    np.testing.assert_allclose(slide("angle", 90), np.rot90(x, -1), atol=1e-5)
    page.click("#reset")
    noisy = slide("noise", 0.2)
    assert 0.1 < np.abs(noisy - x).mean() < 0.2 and noisy.min() >= 0 and noisy.max() <= 1
    page.click("#reset")
    shown.settle()
    np.testing.assert_array_equal(images._latest[1].maps[0][0], x)
    assert shown.printed == []
    page.close()


def test_uploads(browser, address, images, tmp_path):
    pixels = np.arange(28 * 28, dtype="uint8").reshape(28, 28)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    shown = Shown(browser, address)
    shown.page.set_input_files("#upload", tmp_path / "a.png")
    shown.page.wait_for_selector('#target:text-is("a.png")')
    shown.settle()
    np.testing.assert_allclose(images._latest[1].maps[0][0], pixels / 255, atol=1e-6)
    assert shown.printed == []
    shown.page.set_input_files("#upload", tmp_path / "bad.png")
    shown.page.wait_for_selector("#message:not([hidden])")
    assert shown.page.inner_text("#message") == "upload: the file is not an image that can be read."
    shown.page.close()


@pytest.mark.large
def test_other_inputs_follow_the_example_and_only_the_first_is_drawn(browser, seeds):
    x, y = keras.Input((8, 8, 1), name="frame"), keras.Input((8, 8, 1), name="flow")
    net = keras.Model([x, y], keras.layers.Add(name="sum")([x, y]))
    session = Session(net, examples=list(seeds.uniform(size=(2, 3, 8, 8, 1))))
    with served(session) as address:
        shown = Shown(browser, address)
        assert shown.page.inner_text("#inputs") == "Drawn: frame. From the example: flow."
        sees = shown.cell(session.steps[-1].path, 0, 0.5, 0.5).partition("; ")[2]
        assert sees == "it depends on 1 × 1 of frame and 1 × 1 of flow."
        shown.page.fill("#example", "2")
        shown.settle()
        frame, flow = (y[0] for y in session._latest[1].maps[:2])
        np.testing.assert_array_equal(frame, session.example(2)[..., 0])
        np.testing.assert_array_equal(flow, session.others[0][2, ..., 0])
        shown.page.click("#clear")
        shown.settle()
        frame, flow, total = (y[0] for y in session._latest[1].maps)
        assert np.ptp(frame) == 0
        np.testing.assert_array_equal(flow, session.others[0][2, ..., 0])
        np.testing.assert_array_equal(total, frame + flow)
        shown.slide("x", 1)
        expected = session.equivariance(np.full((8, 8, 1), session.limits[0]), (1, 0, 0, 1), 2)
        assert [row[2] for row in shown.errors()] == [f"{one['error']:.3f}" for one in expected] != []
        assert shown.fits() and shown.printed == []
        shown.page.close()


def test_the_number_and_label_of_the_example(browser):
    """Keys in the box go from example to example, and a drawing has no label."""
    net = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    session = Session(net, examples=np.zeros((4, 6, 6, 1)), targets=np.array([2, 0, 1, 2]))
    with served(session) as address:
        shown = Shown(browser, address)
        box, label = shown.page.locator("#example"), shown.page.locator("#target")
        box.focus()
        for number, target in ((1, 0), (2, 1), (3, 2), (3, 2)):
            box.press("ArrowUp")
            shown.settle()
            assert (box.input_value(), label.inner_text()) == (str(number), f"label: {target}")
        box.fill("17")
        box.press("Tab")
        shown.settle()
        assert box.input_value() == "3"
        shown.page.click("#input")
        assert label.inner_text() == ""
        shown.page.close()

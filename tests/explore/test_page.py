"""The page in Debian's Chromium: drawing, dragging, hovering, keys, sliders, uploads, widths, and no errors.

With KZOO_SCREENSHOTS=FOLDER it leaves pictures of the page there.
"""

import contextlib
import functools
import http.server
import os
import socket
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip(f"needs a browser at {CHROMIUM}", allow_module_level=True)
pytest.importorskip("uvicorn", reason="needs the extra `explore`")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

import uvicorn  # noqa: E402

from kzoo.analysis.receptive_field import receptive_fields  # noqa: E402
from kzoo.analysis.transforms import transform_array  # noqa: E402
from kzoo.explore.comparison import open_sessions  # noqa: E402
from kzoo.explore.server import create_app  # noqa: E402
from kzoo.explore.session import Session, open_session  # noqa: E402
from kzoo.explore.site import varied_examples, write_site  # noqa: E402
from kzoo.layers.locally_connected import LocallyConnected2D  # noqa: E402
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D  # noqa: E402
from kzoo.layers.max_unpooling import MaxUnpooling2D  # noqa: E402
from kzoo.layers.tiled_conv import TiledConv2D  # noqa: E402
from kzoo.models.registry import model  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def served(*sessions):
    """Context manager: yields the address of the page of one or two sessions."""
    config = uvicorn.Config(create_app(sessions, "t"), log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/?token=t"
        finally:
            server.should_exit = True
            thread.join()


class Shown:
    """A page that is open, and what it printed to the console."""

    def __init__(self, browser, address, width=1280, scheme="light"):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.printed = []
        self.page.on("console", lambda message: self.printed.append(message.text))
        self.page.on("pageerror", lambda error: self.printed.append(str(error)))
        self.pending = set()
        self.page.on("request", lambda request: self.pending.add(request))  # noqa: PLW0108 (no builtin can be a handler)
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self.pending.discard(request))  # noqa: PLW0108
        self.page.goto(address)
        self.page.wait_for_selector(".outputs td.number")
        self.settle()

    def settle(self):
        """Waits until the page has nothing more to ask for."""
        quiet = 0
        while quiet < 5:
            self.page.wait_for_timeout(20)
            quiet = 0 if self.pending else quiet + 1

    def part(self, selector, model=0):
        """Returns a part of the view of a model."""
        return self.page.locator(".model").nth(model).locator(selector)

    def outputs(self, model=0):
        self.settle()
        return self.part(".outputs td.number", model).all_inner_texts()

    def maps(self, name, model=0):
        """Scrolls to a layer and returns its maps."""
        layer = self.part(".layer", model).filter(has=self.page.locator(f'h4:text-is("{name}")'))
        layer.scroll_into_view_if_needed()
        layer.locator(".map canvas").first.wait_for()
        return layer.locator(".map")

    def cell(self, name, channel, x, y, model=0):
        """Points at a cell of a map, given by parts of its sides; returns what the page says."""
        view = self.maps(name, model).nth(channel)
        view.scroll_into_view_if_needed()
        box = view.locator("canvas").bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        return self.part(".cell", model).inner_text()

    def view(self, name):
        """Opens a view of the chosen unit; returns its text once it is computed, and its figures."""
        details = self.page.locator(f'.unit details[data-view="{name}"]')
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        self.settle()
        return details.locator("p").inner_text(), details.locator("figure")

    def slide(self, key, value):
        """Moves a slider."""
        self.page.locator(f'input[data-key="{key}"]').evaluate(
            "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }", str(value)
        )

    def errors(self, model=0):
        """Returns the rows of the plot of equivariance errors, once they are measured."""
        panel = self.part(".equivariance-panel", model)
        panel.and_(self.page.locator("[aria-busy=false]")).wait_for()
        rows = panel.locator("tbody tr")
        return [[rows.nth(k).get_attribute("class"), *self._cells(rows.nth(k))] for k in range(rows.count())]

    def _cells(self, row):
        return [row.locator(cell).inner_text() for cell in ("th", ".number >> nth=0", ".number >> nth=1")]

    def fits(self):
        return self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def screenshot(self, name):
        if "KZOO_SCREENSHOTS" in os.environ:
            self.page.screenshot(path=Path(os.environ["KZOO_SCREENSHOTS"], f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def images():
    """A session of a small model of images with positions that are easy to check."""
    keras.utils.set_random_seed(0)
    x = keras.Input((28, 28, 1), name="input")
    y = keras.layers.Conv2D(6, 5, name="conv")(x)
    y = keras.layers.MaxPooling2D(2, name="pool")(y)
    y = keras.layers.Conv2D(8, 3, activation="relu", name="conv2")(y)
    y = keras.layers.Dense(10, "softmax", name="fc", kernel_initializer="normal")(keras.layers.Flatten()(y))
    return Session(keras.Model(x, y, name="small"), "A model for tests")


@pytest.fixture(scope="module")
def address(images):
    with served(images) as address:
        yield address


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_each_width_and_scheme(browser, address, width, scheme):
    shown = Shown(browser, address, width, scheme)
    assert shown.fits() and shown.printed == []
    assert shown.page.locator(".outputs tr").count() == 10
    shown.maps("conv2").nth(1).click()
    shown.slide("x", 3)
    assert len(shown.errors()) == 3
    shown.screenshot(f"small-{width}-{scheme}")
    assert shown.fits() and shown.printed == []
    shown.page.close()


def test_drawing_changes_predictions_and_maps(browser, address, images):
    shown = Shown(browser, address)
    page = shown.page
    page.click("#clear")
    before = shown.outputs()
    np.testing.assert_allclose(
        [float(text) for text in before], images.compute(np.zeros((28, 28, 1))).outputs, atol=6e-4
    )
    box = page.locator("#input").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
    page.mouse.up()
    assert shown.outputs() != before
    drawn = images._latest[1].maps[0][0]  # what the server was sent
    assert (np.diag(drawn)[8:18] == 1).all() and drawn.min() == 0 and (drawn > 0).mean() < 0.3
    page.check("#erase")
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=8)
    page.mouse.up()
    shown.settle()
    assert images._latest[1].maps[0][0].max() < 0.5
    assert shown.printed == []
    page.close()


def test_a_hovered_cell_says_its_value_and_what_it_sees(browser, address, images):
    shown = Shown(browser, address)
    shown.settle()
    computed = images.compute(images.example(0))
    fields = receptive_fields(images.model)
    for number, name in ((1, "conv"), (2, "pool"), (3, "conv2")):
        y = computed.maps[number]
        at = y.shape[1] // 2
        text = shown.cell(name, 2, (at + 0.5) / y.shape[2], (at + 0.5) / y.shape[1])
        size = fields[name][0].size
        assert text.startswith(f"{name}, map 2, position {at}, {at}: {float(f'{y[2, at, at]:.4g}'):.4g}"[:40]), text
        assert text.endswith(f"it depends on {size} × {size} of the input (exact).")
        mark = shown.page.locator(".input-box .cursor").first
        left, wide = (mark.evaluate(f"e => parseFloat(e.style.getPropertyValue('--{key}'))") for key in "xw")
        assert left * 28 / 100 == pytest.approx(fields[name][1].first_pixel(at)) and wide * 28 / 100 == pytest.approx(
            size
        )
    text = shown.cell("conv2", 0, 0.01, 0.01)  # the first cell
    assert "position 0, 0" in text and f"depends on {fields['conv2'][0].size} ×" in text
    assert "unit 3" in shown.cell("fc", 0, 0.35, 0.5)
    assert "28 × 28" in shown.page.inner_text(".cell")
    assert shown.printed == []
    shown.page.close()


def branching():
    """Returns a model of ones whose layers see positions in all ways: branches, strides, dilation, enlarging."""
    settings = {"kernel_initializer": "ones", "padding": "same"}
    x = keras.Input((23, 20, 1), name="input")
    y = keras.layers.Conv2D(1, 3, strides=2, name="conv", **settings)(x)
    dilated = keras.layers.Conv2D(1, (3, 2), dilation_rate=2, name="dilated", **settings)(y)
    pooled = keras.layers.AveragePooling2D(3, 1, "same", name="pooled")(y)
    y = keras.layers.Add(name="sum")([dilated, pooled])
    y = keras.layers.UpSampling2D(2, name="up")(y)
    y = keras.layers.Conv2DTranspose(1, 3, strides=2, kernel_initializer="ones", name="transposed")(y)
    y = keras.layers.ZeroPadding2D(((2, 0), (0, 1)), name="padded")(y)
    return keras.Model(x, keras.layers.Conv2D(1, 2, kernel_initializer="ones", name="last")(y), name="branching")


def dependence(net, name, cell):
    """Returns [first, last] for each axis of the positions of the input that change a cell, by the gradient."""
    inner = keras.Model(net.inputs, net.get_layer(name).output)
    x = tf.ones((1, *net.input_shape[1:]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = inner(x)[(0, *cell, 0)]
    changed = np.argwhere(tape.gradient(y, x)[0, ..., 0].numpy())
    return [[int(part.min()), int(part.max())] for part in changed.T] if len(changed) else None


def test_marked_parts_are_those_that_change_a_cell(browser):
    """Against gradients, which are above 0 wherever a cell depends on the input: all weights are 1."""
    net = branching()
    session = Session(net)
    with served(session) as address:
        shown = Shown(browser, address)
        checked = 0
        for number, step in enumerate(session.describe()["steps"]):
            for part in (0, 0.3, 0.5, 0.99):
                cell = [int(part * n) for n in step["shape"]]
                box, status = shown.page.evaluate(
                    """async ([number, cell]) => {
                        const { fetchModels } = await import("./page/api.js");
                        const { fieldsOf } = await import("./page/fields.js");
                        const { boxes, status } = fieldsOf((await fetchModels())[0].steps, number, cell);
                        return [boxes.get(0) ?? null, status];
                    }""",
                    [number, cell],
                )
                expected = dependence(net, step["path"], cell)
                # at the border the marked part may end in a gap of the dilated kernel
                inside = box and all(a > 0 and b < n - 1 for (a, b), n in zip(box, session.shape))
                if expected is None or (status == "exact" and (inside or step["path"] in ("conv", "pooled"))):
                    assert box == expected, (step["path"], cell)
                    checked += 1
                else:
                    assert all(a <= c and d <= b for (a, b), (c, d) in zip(box, expected)), (step["path"], cell)
        assert checked >= 24
        assert shown.printed == []
        shown.page.close()


def test_a_clicked_cell_is_shown_as_a_sum_of_products(browser, address, images):
    shown = Shown(browser, address)
    shown.cell("conv2", 3, 0.55, 0.55)
    shown.page.mouse.down()
    shown.page.mouse.up()
    shown.settle()
    cell = images.cell(images.example(0), 3, [5, 5], 3)
    assert shown.page.inner_text(".large-text").startswith("conv2 (Conv2D), map 3, 0 to ")
    assert shown.page.inner_text(".sums h3") == "Position 5, 5 is a sum of products"
    assert shown.page.locator(".products").count() == len(cell["channels"]) == 6
    last = shown.page.locator(".sums .sum").inner_text()
    written = float(last.partition("= ")[2].split()[0].rstrip(",;"))
    assert written == pytest.approx(cell["total"], rel=6e-3) and "relu makes it" in last
    grids = shown.page.locator(".products").first.locator(".grid span")
    written = [float(grids.nth(k).get_attribute("title")) for k in range(27)]
    np.testing.assert_allclose(written[:18], [*cell["patches"][0], *cell["kernels"][0]], rtol=6e-3)
    np.testing.assert_allclose(written[18:], np.multiply(cell["patches"][0], cell["kernels"][0]), rtol=6e-3)
    before = last
    shown.page.click("#clear")
    shown.settle()
    assert shown.page.locator(".sums .sum").inner_text() != before
    assert shown.printed == []
    shown.page.close()


def red(figure):
    """Returns the red of each pixel of a figure's canvas."""
    numbers = figure.locator("canvas").evaluate(
        """canvas => [canvas.height, ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]"""
    )
    return np.reshape(numbers[1:], (numbers[0], -1, 4))[..., 0]


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_views_of_a_clicked_map(browser, address, images, width, scheme):
    shown = Shown(browser, address, width, scheme)
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
    assert shown.fits() and shown.printed == []
    shown.screenshot(f"unit-{width}-{scheme}")
    shown.page.click("#clear")
    assert shown.view("deconvnet")[0] == images.unit_view("deconvnet", 3, unit, np.zeros_like(x)).text != text
    shown.maps("conv").nth(1).click()  # there is no rectifier before it
    text, figures = shown.view("deconvnet")
    assert text.startswith("project expects a rectifier (ReLU)") and figures.count() == 0
    assert not shown.page.locator(".message:visible").count()
    shown.page.close()


def test_views_of_a_unit_of_a_vector_and_of_an_input(browser, address, images):
    shown = Shown(browser, address)
    shown.cell("fc", 0, 0.35, 0.5)
    shown.page.mouse.down()
    shown.page.mouse.up()
    assert shown.page.inner_text(".large-text").startswith("fc (Dense), unit 3, ")
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


def test_a_max_pooling_says_where_its_value_comes_from(browser, address, images):
    shown = Shown(browser, address)
    conv = images.compute(images.example(0)).maps[1][2]
    y, x = np.unravel_index(conv[12:14, 12:14].argmax(), (2, 2))
    assert f", from position {12 + y}, {12 + x} of conv; it" in shown.cell("pool", 2, 6.5 / 12, 6.5 / 12)
    shown.page.close()


def test_unpooling_says_where_its_values_were(browser, seeds):
    x = keras.Input((8, 8, 2), name="input")
    y, places = MaxPoolingWithArgmax2D(2, name="pool")(x)
    net = keras.Model(x, MaxUnpooling2D(2, name="unpool")([y, places]))
    session = Session(net, examples=seeds.uniform(1, 2, (1, 8, 8, 2)))
    image = session.example(0)[..., 1]
    with served(session) as address:
        shown = Shown(browser, address)
        for top, left in ((0, 0), (4, 2)):
            block = image[top : top + 2, left : left + 2]
            best = np.unravel_index(block.argmax(), (2, 2))
            for y, x in np.ndindex(2, 2):
                text = shown.cell("unpool", 1, (left + x + 0.5) / 8, (top + y + 0.5) / 8)
                returned = f", returned from position {top // 2}, {left // 2} of pool" in text
                assert returned == ((y, x) == best), text
            text = shown.cell("pool", 1, (left + 1) / 8, (top + 1) / 8)
            assert f", from position {top + best[0]}, {left + best[1]} of input" in text
        assert shown.printed == []
        shown.page.close()


def test_a_volume_shows_its_middle_slice(browser):
    x = keras.Input((6, 12, 10, 1), name="input")
    session = Session(keras.Model(x, keras.layers.Conv3D(2, 3, name="conv")(x)))
    with served(session) as address:
        shown = Shown(browser, address)
        assert "6 × 12 × 10, of which the middle slice is shown" in shown.page.inner_text("#input-hint")
        text = shown.cell("conv", 1, 0.5, 0.5)
        value = session.compute(session.example(0)).maps[1][1, 5, 4]
        assert text.startswith("conv, map 1, position 2, 5, 4: ") and "3 × 3 × 3 of the input" in text
        assert float(text.split(": ")[1].split(";")[0]) == pytest.approx(value, rel=1e-3)
        shown.maps("conv").nth(1).click()
        patch = session.unit_view("patches", 1, 1, session.example(0)).pictures[0].values
        assert patch.shape == (3, 3, 1)
        np.testing.assert_allclose(red(shown.view("patches")[1].first), 255 * patch[..., 0], atol=1)
        assert shown.printed == []
        shown.page.close()


def test_hover_is_quick(browser, address):
    """A page event to a drawn frame; the bound is that of the feature, far above what it takes."""
    shown = Shown(browser, address)
    shown.cell("conv2", 0, 0.5, 0.5)
    spent = shown.page.evaluate(
        """() => {
            const view = document.querySelector('.layer[data-step="3"] .map canvas');
            const box = view.getBoundingClientRect();
            const times = [];
            for (let k = 1; k < 10; k++) {
                const start = performance.now();
                const at = {clientX: box.left + box.width * k / 10, clientY: box.top + 9, bubbles: true};
                view.dispatchEvent(new PointerEvent('pointermove', at));
                document.body.offsetHeight;
                times.push(performance.now() - start);
            }
            return times.sort((a, b) => a - b)[4];
        }"""
    )
    assert spent < 50
    shown.page.close()


def test_by_keyboard(browser, address, images):
    shown = Shown(browser, address)
    page = shown.page
    page.click("#clear")
    page.focus("#input")
    for key in (" ", "ArrowRight", "ArrowRight", "ArrowRight", " "):
        page.keyboard.press(key)
    shown.settle()
    drawn = images._latest[1].maps[0][0]
    assert drawn[14, 14] == 1 and drawn[14, 17] == 1 and drawn[14, 10] == 0
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.step") == "1":
            break
    assert page.inner_text(".cell").startswith("conv, map 0, position 11, 11:")
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp", "PageDown"):
        page.keyboard.press(key)
    assert page.inner_text(".cell").startswith("conv, map 1, position 9, 10:")
    page.keyboard.press("Enter")
    assert (
        page.inner_text(".large-text").startswith("conv (Conv2D), map 1, ")
        and page.locator(".large canvas").count() == 1
    )
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.dataset.view") == "filter"
    page.keyboard.press("Enter")
    assert shown.view("filter")[0].startswith("Its kernel;")
    page.keyboard.press("Escape")
    assert page.inner_text(".cell").startswith("conv, map 1, position 9, 10:")
    assert shown.printed == []
    page.close()


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


@pytest.fixture(scope="module")
def roads():
    """A session of images whose pixels each get the class of their channel with the largest value."""
    labels = ["sky", "road", "tree"]
    examples = np.eye(3)[np.random.default_rng(0).integers(0, 3, (2, 9, 12))]
    return Session(keras.Sequential([keras.Input((9, 12, 3)), keras.layers.ReLU()]), "A model", examples, labels=labels)


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_a_label_map_in_colours(browser, roads, width, scheme):
    expected = roads.example(0).argmax(-1)
    with served(roads) as address:
        shown = Shown(browser, address, width, scheme)
        colours, drawn = shown.page.evaluate(
            """async () => {
                const { COLOURS } = await import("./page/label_map.js");
                const canvas = document.querySelector(".label-map canvas");
                return [COLOURS, [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]];
            }"""
        )
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
        shown.screenshot(f"label-map-{width}-{scheme}")
        shown.page.click("#clear")
        shown.settle()
        share = shown.page.locator(".outputs .number").first.inner_text()
        assert share == "1.000" and text.inner_text().startswith("Point, or")
        assert shown.fits() and shown.printed == []
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
def test_colours_of_classes_differ_for_all_kinds_of_vision(browser, address, vision):
    shown = Shown(browser, address)
    colours = shown.page.evaluate("async () => (await import('./page/label_map.js')).COLOURS")
    shown.page.close()
    srgb = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    light = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    seen = lab(light @ np.transpose(VISIONS[vision]))
    distances = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1000 * np.eye(len(seen))
    assert len(colours) == 20 and distances[:12, :12].min() > 14 and distances.min() > 10


def test_other_inputs_follow_the_example_and_only_the_first_is_drawn(browser, seeds):
    x, y = keras.Input((8, 8, 1), name="frame"), keras.Input((8, 8, 1), name="flow")
    net = keras.Model([x, y], keras.layers.Add(name="sum")([x, y]))
    session = Session(net, examples=list(seeds.uniform(size=(2, 3, 8, 8, 1))))
    with served(session) as address:
        shown = Shown(browser, address)
        assert shown.page.inner_text("#inputs") == "Drawn: frame. From the example: flow."
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


def test_a_signal_is_dragged(browser):
    session = open_session("mnist1d_tiled")
    with served(session) as address:
        shown = Shown(browser, address)
        before, x = shown.outputs(), session.example(0)[:, 0]
        box = shown.page.locator("#input").bounding_box()
        shown.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
        shown.page.mouse.down()
        shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=4)
        shown.page.mouse.up()
        assert shown.outputs() != before
        y = session._latest[1].maps[0][0]
        assert np.ptp(y[10:20]) < 1e-5 and y[10] > 2
        np.testing.assert_array_equal(y[22:], x[22:])
        assert "depends on 7 of the input (exact)" in shown.cell("stage2", 3, 0.5, 0.5)
        shown.maps("stage2").nth(3).click()
        curves = shown.view("patches")[1].locator("polyline.curve")
        assert curves.count() == 9 and len(curves.first.get_attribute("points").split()) == 7
        assert shown.fits() and shown.printed == []
        shown.screenshot("mnist1d_tiled")
        shown.page.close()


@pytest.fixture(scope="module")
def signals():
    """Sessions of two models with the same examples: one kernel for all positions, and one for each."""
    return open_sessions(["mnist1d_cnn", "mnist1d_local"])


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
def test_two_models_side_by_side(browser, signals, width, scheme):
    with served(*signals) as address:
        shown = Shown(browser, address, width, scheme)
        page = shown.page
        assert page.inner_text("#title") == "mnist1d_cnn and mnist1d_local at work"
        assert page.locator(".model .name").all_inner_texts() == ["mnist1d_cnn", "mnist1d_local"]
        left, right = (page.locator(".model").nth(number).bounding_box() for number in range(2))
        side_by_side = left["y"] == right["y"] and left["x"] + left["width"] < right["x"]
        assert side_by_side == (width == 1280) and shown.fits()
        for number, session in enumerate(signals):
            value = session.compute(session.example(0)).maps[2][3, 4]
            text = shown.cell("stage2", 3, 4.5 / 9, 0.5, number)
            assert text.startswith("stage2, map 3, position 4: ") and "depends on 7 of the input (exact)" in text
            assert float(text.split(": ")[1].split(";")[0]) == pytest.approx(value, rel=1e-3)
            assert shown.part(".cell", 1 - number).inner_text().strip() == ""
            assert shown.part(".seen", number).count() == 3 and shown.part(".seen", 1 - number).count() == 0
            page.mouse.down()
            page.mouse.up()
            shown.settle()
            mark = page.locator(".input-box .cursor").first
            assert mark.is_visible() and mark.evaluate("e => e.style.getPropertyValue('--w')") == "17.5%"
            assert shown.part(".sums h3", number).inner_text() == "Position 4 is a sum of products" + (
                ", kernel 4 of the tile" if number else ""
            )
        shown.slide("x", 2)
        for number, session in enumerate(signals):
            expected = session.equivariance(session.example(0), (1, 0, 2))
            assert [row[1:3] for row in shown.errors(number)] == [
                [f"stage{step + 1}", f"{one['error']:.3f}"] for step, one in enumerate(expected)
            ]
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


class Files(http.server.SimpleHTTPRequestHandler):
    """Python's own server of files, which prints nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def recorded(tmp_path):
    """Returns a function that writes a site of sessions into a subfolder; yields the address of all files there."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def write(*sessions):
            write_site(sessions, tmp_path / "sub" / "site")
            return f"http://127.0.0.1:{server.server_port}/sub/site/"

        yield write
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("width, scheme", [(1280, "dark"), (390, "light")])
def test_a_recording_without_a_server(browser, images, recorded, width, scheme):
    address = recorded(images)
    shown = Shown(browser, address, width, scheme)
    page, requests = shown.page, []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    page.wait_for_selector(".outputs td.number")
    x = images.example(0)
    np.testing.assert_allclose([float(text) for text in shown.outputs()], images.compute(x).outputs, atol=6e-4)
    text = shown.cell("conv2", 3, 0.55, 0.55)
    assert "conv2, map 3, position 5, 5: " in text and text.endswith("depends on 10 × 10 of the input (exact).")
    page.mouse.down()
    page.mouse.up()
    shown.settle()
    cell = images.cell(x, 3, [5, 5], 3)
    written = float(shown.part(".sums .sum").inner_text().partition("= ")[2].split()[0].rstrip(",;"))
    assert written == pytest.approx(cell["total"], rel=6e-3)
    assert ", from position " in shown.cell("pool", 2, 0.5, 0.5)
    assert "kzoo explore small runs the model itself" in page.inner_text("#recording")
    for name in ("#clear", "#invert", "#upload", "#sliders", "#reset"):
        assert not page.locator(name).is_visible()
    assert shown.fits() and shown.printed == []
    assert requests and all(request.startswith(address) or request == "data:," for request in requests)
    shown.screenshot(f"recording-{width}-{scheme}")
    page.close()


def test_examples_of_a_recording_of_two_models(browser, signals, recorded):
    shown = Shown(browser, recorded(*signals))
    page = shown.page
    chosen = sorted(varied_examples(signals[0].targets, 100)[:12])
    assert "recording of 12 examples" in page.inner_text("#recording")
    for place in (5, 11, 99):
        index = chosen[min(place, 11)]
        page.fill("#example", str(place))
        label = signals[0].targets[index]
        page.wait_for_selector(f'#target:text-is("label: {label}")')
        for number, session in enumerate(signals):
            expected = session.compute(session.example(index)).outputs
            np.testing.assert_allclose([float(text) for text in shown.outputs(number)], expected, atol=6e-4)
    box = page.locator("#input").bounding_box()
    before = shown.outputs()
    page.mouse.click(box["x"] + 50, box["y"] + 9)
    assert shown.outputs() == before
    assert page.locator("#input").get_attribute("tabindex") is None
    assert shown.printed == []
    shown.screenshot("recording-two")
    page.close()


def test_recorded_products_are_those_of_the_session(browser, seeds, recorded):
    """Of strided, grouped and transposed convolutions, with padding, and of layers with a kernel for each tile."""
    x = keras.Input((9, 8, 2), name="input")
    y = keras.layers.Conv2D(8, (3, 2), strides=2, padding="same", activation="tanh", name="conv")(x)
    y = keras.layers.Conv2D(4, 3, padding="same", groups=2, name="grouped")(y)
    y = TiledConv2D(3, 3, tile=2, padding="same", name="tiled")(y)
    y = LocallyConnected2D(8, 2, use_bias=True, name="local")(y)
    net = keras.Model(x, keras.layers.Conv2DTranspose(2, 3, strides=2, use_bias=False, name="transposed")(y))
    for weight in net.weights:
        weight.assign(seeds.normal(size=weight.shape))
    session = Session(net, examples=seeds.normal(size=(1, 9, 8, 2)))
    shown = Shown(browser, recorded(session))
    for number, step in enumerate(session.describe()["steps"][1:], 1):
        for part in (0, 0.5, 0.99):
            cell, channel = [int(part * n) for n in step["shape"]], step["channels"] - 1
            found = shown.page.evaluate(
                """async (chosen) => {
                    const { fetchCell } = await import("./page/recording.js");
                    return fetchCell(0, { example: 0 }, chosen);
                }""",
                {"step": number, "channel": channel, "cell": cell},
            )
            expected = session.cell(session.example(0), number, cell, channel)
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                if key == "activation":
                    assert found[key] == value
                else:
                    np.testing.assert_allclose(found[key], value, atol=1e-4, err_msg=f"{step['path']}, {key}")
    shown.page.close()


@pytest.mark.parametrize("name", ["resnet18", "segnet_basic"])
def test_maps_of_a_deep_model_come_as_they_are_scrolled_to(browser, name):
    session = Session(model(name))
    with served(session) as address:
        shown = Shown(browser, address, 390)
        assert shown.page.locator(".map canvas").count() < sum(step["channels"] for step in session.describe()["steps"])
        last = shown.page.locator(".layer").last
        last.scroll_into_view_if_needed()
        last.locator(".map canvas").first.wait_for()
        assert shown.page.locator(".outputs tr").count() in (10, 11, 32)
        assert shown.fits() and shown.printed == []
        shown.screenshot(name)
        shown.page.close()

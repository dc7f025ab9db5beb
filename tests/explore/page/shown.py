"""A page in Debian's Chromium, and what tests do with it. Tests that import this file are skipped without a browser.

With KZOO_SCREENSHOTS=FOLDER `Shown.screenshot` leaves pictures of the page there.
"""

import contextlib
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip(f"needs a browser at {CHROMIUM}", allow_module_level=True)
pytest.importorskip("uvicorn", reason="needs the extra `explore`")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")

import uvicorn  # noqa: E402

from kzoo.explore.server import create_app  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# counts the requests of the page's scripts that are under way
COUNT_REQUESTS = """
    window.underWay = 0;
    const send = window.fetch;
    window.fetch = async (...request) => {
        window.underWay += 1;
        try {
            const response = await send(...request);
            await response.clone().arrayBuffer();
            return response;
        } finally {
            window.underWay -= 1;
        }
    };
"""
# waits for three frames in a row without requests: what comes into view in one is asked for after it
SETTLE = """async () => {
    const start = performance.now();
    for (let quiet = 0; quiet < 3; quiet = window.underWay ? 0 : quiet + 1) {
        if (performance.now() - start > 60000) throw new Error("a request takes more than a minute");
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    }
}"""


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
    """A page that is open, what it printed to the console, and the addresses it asked for."""

    def __init__(self, browser, address, width=1280, scheme="light"):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.printed, self.requests = [], []
        self.page.on("console", lambda message: self.printed.append(message.text))
        self.page.on("pageerror", lambda error: self.printed.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(COUNT_REQUESTS)
        self.page.goto(address)
        self.page.wait_for_selector(".outputs td.number")
        self.settle()

    def settle(self):
        """Waits until the page has nothing more to ask for."""
        self.page.evaluate(SETTLE)

    def resize(self, width, scheme):
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.settle()

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
        self.settle()  # maps that come into view may move it
        box = view.locator("canvas").bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        return self.part(".cell", model).inner_text()

    def view(self, name):
        """Opens a view of the chosen unit; returns its text once it is computed, and its figures."""
        details = self.page.locator(f'.unit details[data-view="{name}"]')
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        text = details.locator("p").filter(has_not_text="computing…").filter(has_text=".")
        return text.inner_text(), details.locator("figure")

    def drag(self, start, end):
        """Drags the mouse over the input, between two points given in pixels of the page."""
        box = self.page.locator("#input").bounding_box()
        (x, y), (to_x, to_y) = ((box["x"] + right, box["y"] + down) for right, down in (start, end))
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(to_x, to_y, steps=8)
        self.page.mouse.up()
        self.settle()

    def click_cell(self, *cell, model=0):
        """Clicks a cell, given as in `cell`."""
        self.cell(*cell, model)
        self.page.mouse.down()
        self.page.mouse.up()
        self.settle()

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


def red(figure):
    """Returns the red of each pixel of a figure's canvas."""
    numbers = figure.locator("canvas").evaluate(
        """canvas => [canvas.height, ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]"""
    )
    return np.reshape(numbers[1:], (numbers[0], -1, 4))[..., 0]

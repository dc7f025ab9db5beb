"""Maps of the layers: a cell that is pointed at, what it depends on, and the sum of products of a clicked one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.analysis.receptive_field import receptive_fields
from kzoo.explore.session import Session
from kzoo.layers.max_pooling_with_argmax import MaxPoolingWithArgmax2D
from kzoo.layers.max_unpooling import MaxUnpooling2D
from tests.explore.page.shown import Shown, red, served


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
        assert text.endswith(f"it depends on {size} × {size} of the input.")
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


def dependences(net, cells):
    """Returns [first, last] for each axis of the positions of the input that change each cell, by the gradient.

    cells: pairs of a layer's name and a position. The result is None for a cell that nothing changes.
    """
    inner = keras.Model(net.inputs, {layer.name: layer.output for layer in net.layers})
    x = tf.ones((1, *net.input_shape[1:]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = inner(x)
        values = [outputs[name][(0, *cell, 0)] for name, cell in cells]
    found = [np.argwhere(tape.gradient(value, x)[0, ..., 0].numpy()) for value in values]
    return [[[int(part.min()), int(part.max())] for part in changed.T] if len(changed) else None for changed in found]


@pytest.mark.large
def test_marked_parts_are_those_that_change_a_cell(browser):
    """Against gradients, which are above 0 wherever a cell depends on the input: all weights are 1."""
    net = branching()
    session = Session(net)
    steps = list(enumerate(session.describe()["steps"]))[1:]
    cells = [(k, [int(part * n) for n in step["shape"]]) for k, step in steps for part in (0, 0.3, 0.5, 0.99)]
    with served(session) as address:
        shown = Shown(browser, address)
        marked = shown.page.evaluate(
            """async (cells) => {
                const { fetchModels } = await import("./page/api.js");
                const { fieldsOf } = await import("./page/receptive_fields.js");
                const [{ steps }] = await fetchModels();
                return cells.map(([number, cell]) => {
                    const { boxes, status } = fieldsOf(steps, number, cell);
                    return [boxes.get(0) ?? null, status];
                });
            }""",
            cells,
        )
        assert shown.printed == []
        shown.page.close()
    named = [(session.steps[k].path, cell) for k, cell in cells]
    checked = 0
    for (name, cell), (box, status), expected in zip(named, marked, dependences(net, named)):
        # at the border the marked part may end in a gap of the dilated kernel
        inside = box and all(a > 0 and b < n - 1 for (a, b), n in zip(box, session.shape))
        if expected is None or (status == "exact" and (inside or name in ("conv", "pooled"))):
            assert box == expected, (name, cell)
            checked += 1
        else:
            assert all(a <= c and d <= b for (a, b), (c, d) in zip(box, expected)), (name, cell)
    assert checked >= 20


def test_a_max_pooling_says_where_its_value_comes_from(browser, address, images):
    shown = Shown(browser, address)
    conv = images.compute(images.example(0)).maps[1][2]
    y, x = np.unravel_index(conv[12:14, 12:14].argmax(), (2, 2))
    assert f", from position {12 + y}, {12 + x} of conv; it" in shown.cell("pool", 2, 6.5 / 12, 6.5 / 12)
    shown.page.close()


@pytest.mark.large
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
                elsewhere = f": 0, as that of position {top // 2}, {left // 2} of pool returns elsewhere; " in text
                assert elsewhere == ((y, x) != best), text
                assert text.endswith("depends on at most 2 × 2 of the input, on which part changes with the input.")
            text = shown.cell("pool", 1, (left + 1) / 8, (top + 1) / 8)
            assert f", from position {top + best[0]}, {left + best[1]} of input" in text
        assert shown.printed == []
        shown.page.close()


def test_a_clicked_cell_is_shown_as_a_sum_of_products(browser, address, images):
    shown = Shown(browser, address)
    shown.click_cell("conv2", 3, 0.55, 0.55)
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
    shown.page.mouse.move(0, 0)
    canvas = shown.maps("conv2").nth(3).locator("canvas")
    box = canvas.bounding_box()  # of 10 × 10 positions; a finger clicks without pointing first
    at = {"clientX": box["x"] + 0.25 * box["width"], "clientY": box["y"] + 0.75 * box["height"]}
    canvas.dispatch_event("click", at)
    shown.settle()
    assert shown.page.inner_text(".sums h3") == "Position 7, 2 is a sum of products"
    assert shown.printed == []
    shown.page.close()


def test_pointing_in_the_clicked_map_shows_the_products_there(browser, address):
    shown = Shown(browser, address)
    heading = shown.page.locator(".sums h3")
    box = shown.maps("conv").nth(2).locator("canvas").bounding_box()
    edges = {k: box["x"] + k * box["width"] / 24 for k in range(8, 20)}
    left = next(k for k, edge in edges.items() if edge % 1 > 0.3)  # the whole pixel before it is in the cell before
    shown.click_cell("conv", 2, left / 24 + 0.1 / box["width"], 0.5)
    position = shown.part(".cell").inner_text().split("position ")[1].split(":")[0]
    assert position.endswith(f", {left}")
    assert heading.inner_text() == f"Position {position} is a sum of products"
    assert "position 3, 7: " in shown.cell("conv", 2, 7.5 / 24, 3.5 / 24)
    shown.settle()
    assert heading.inner_text() == "Position 3, 7 is a sum of products"
    shown.cell("conv", 1, 7.5 / 24, 3.5 / 24)  # another map
    shown.settle()
    assert heading.inner_text() == f"Position {position} is a sum of products" and shown.printed == []
    shown.page.close()


def test_maps_of_a_layer_that_is_pointed_at_bear_their_numbers(browser, address):
    shown = Shown(browser, address)
    number = "view => getComputedStyle(view, '::before').content"
    shown.cell("conv2", 0, 0.5, 0.5)
    assert shown.maps("conv2").nth(5).evaluate(number) == '"5"'
    assert shown.maps("pool").nth(5).evaluate(number) == "none"
    shown.page.close()


@pytest.mark.large
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


def test_layers_of_single_maps_mark_the_map_of_the_same_number(browser, address):
    """A pooling's cell depends on one map of the convolution before it, a convolution's cell on all maps."""
    shown = Shown(browser, address)

    def marked(name):
        maps = shown.maps(name)
        widths = maps.evaluate_all("views => views.map(view => getComputedStyle(view, '::after').borderLeftWidth)")
        return [number for number, width in enumerate(widths) if float(width.removesuffix("px")) > 0]

    shown.cell("pool", 2, 0.5, 0.5)
    assert marked("conv") == [2]
    shown.cell("conv2", 3, 0.5, 0.5)
    assert marked("pool") == list(range(6)) and marked("conv") == list(range(6))
    shown.page.close()

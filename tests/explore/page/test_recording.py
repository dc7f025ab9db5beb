"""Pages of `kzoo explore --out`, from a server of files."""

import keras
import numpy as np
import pytest

from kzoo.explore.session import Session
from kzoo.explore.site import varied_examples
from kzoo.layers.locally_connected import LocallyConnected2D
from kzoo.layers.tiled_conv import TiledConv2D
from tests.explore.page.shown import Shown


def test_a_recording_without_a_server(browser, images, recorded):
    address = recorded(images)
    shown = Shown(browser, address)
    page = shown.page
    x = images.example(0)
    np.testing.assert_allclose([float(text) for text in shown.outputs()], images.compute(x).outputs, atol=6e-4)
    shown.click_cell("conv2", 3, 0.55, 0.55)
    text = shown.part(".cell").inner_text()
    assert "conv2, map 3, position 5, 5: " in text and text.endswith("depends on 10 × 10 of the input.")
    cell = images.cell(x, 3, [5, 5], 3)
    written = float(shown.part(".sums .sum").inner_text().partition("= ")[2].split()[0].rstrip(",;"))
    assert written == pytest.approx(cell["total"], rel=6e-3)
    shown.cell("conv2", 3, 0.25, 0.25)
    shown.settle()
    assert shown.part(".sums h3").inner_text() == "Position 2, 2 is a sum of products"
    assert sum(request.endswith("kernel_3.bin") for request in shown.requests) == 1
    assert ", from position " in shown.cell("pool", 2, 0.5, 0.5)
    assert "need the model, which kzoo explore small runs." in page.inner_text("#recording")
    for name in ("#clear", "#invert", "#upload", "#sliders", "#reset"):
        assert not page.locator(name).is_visible()
    for width, scheme in ((1280, "dark"), (390, "light")):
        shown.resize(width, scheme)
        assert shown.fits() and shown.printed == []
        shown.screenshot(f"recording-{width}-{scheme}")
    assert all(request.startswith(address) or request == "data:," for request in shown.requests)
    page.close()


@pytest.mark.large
def test_examples_of_a_recording_of_two_models(browser, signals, recorded):
    shown = Shown(browser, recorded(*signals))
    page = shown.page
    chosen = sorted(varied_examples(signals[0].targets, 100)[:12])
    text = page.inner_text("#recording")
    assert "recording of 12 examples" in text and text.endswith("which kzoo explore mnist1d_cnn mnist1d_local runs.")
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

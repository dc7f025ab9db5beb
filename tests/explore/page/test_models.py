"""The page of models of all kinds: each layer shows its maps, and drawing, pointing, clicking and keys work."""

import keras
import numpy as np
import pytest

from kzoo.explore.open_session import open_session
from kzoo.explore.session import Session
from kzoo.models.registry import model
from tests.explore.page.shown import Shown, served


def test_each_width_and_scheme(browser, address):
    shown = Shown(browser, address)
    assert shown.page.locator(".outputs tr").count() == 10
    shown.maps("conv2").nth(1).click()
    shown.slide("x", 3)
    assert len(shown.errors()) == 3
    for width, scheme in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]:
        shown.resize(width, scheme)
        assert shown.fits() and shown.printed == []
        shown.screenshot(f"small-{width}-{scheme}")
    shown.page.close()


def own_file(folder):
    """Returns a file of a model with a nested model, names of its own, and a layer that no view is written for."""
    backbone = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", name="first.edges"),
            keras.layers.MaxPooling2D(name="smaller"),
        ],
        name="backbone",
    )
    layers = [
        keras.Input((16, 16, 3)),
        backbone,
        keras.layers.UnitNormalization(name="lengths_of_one_under_a_name_too_long_for_one_line_of_the_page"),
        keras.layers.GlobalAveragePooling2D(name="mean"),
        keras.layers.Dense(3, "softmax", name="head"),
    ]
    keras.Sequential(layers).save(folder / "own.keras")
    return folder / "own.keras"


MODELS = {
    "nielsen_3": {},
    "lenet5": {},
    "mnist1d_tiled": {},
    "m5": {"input_shape": (2000, 1), "width": 0.1},
    "resnet18": {"input_shape": (48, 48, 3), "width": 0.1},
    "segnet": {"input_shape": (32, 32, 3), "width": 0.1},
    "capsnet": {"filters": 8, "capsules": 2, "fc_units": [8, 8]},
    "two_stream": {"input_shape": (64, 64, 3), "frames": 2, "width": 0.1, "fc_units": [8, 8]},
}


LARGE = [pytest.param(name, marks=pytest.mark.large) for name in (*MODELS, "own.keras") if name != "mnist1d_tiled"]


@pytest.mark.parametrize("name", ["mnist1d_tiled", *LARGE])
def test_a_kind_of_model(browser, tmp_path, name):
    session = Session(model(name, **MODELS[name])) if name in MODELS else open_session(own_file(tmp_path))
    for weight in session.model.trainable_weights:  # some models begin with weights of 0
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.03, seed=0))
    steps = session.describe()["steps"]
    with served(session) as address:
        shown = Shown(browser, address, 390, "dark")
        before = shown.page.locator(".map canvas").count()
        assert len(steps) < 20 or before < sum(step["channels"] for step in steps)  # the others come when in view
        outputs = session._latest[1].outputs
        shown.drag((30, 30), (150, 90))
        assert not np.array_equal(session._latest[1].outputs, outputs)
        for number in {1, len(steps) // 2, len(steps) - 1}:
            path, vector = steps[number]["path"], steps[number]["vector"]
            shown.click_cell(path, 0, 0.5, 0.5)
            assert shown.part(".cell").inner_text().startswith(f"{path}, {'unit' if vector else 'map 0, position'} ")
            assert shown.part(".large-text").inner_text().startswith(f"{path} ({steps[number]['kind']}), ")
            assert shown.part(".large canvas").count() == 1
        shown.page.mouse.move(0, 0)
        shown.page.focus("#reset")
        shown.page.keyboard.press("Tab")
        while shown.page.evaluate("document.activeElement.dataset.step") is None:
            shown.page.keyboard.press("Tab")
        shown.settle()
        assert shown.part(".cell").inner_text().startswith(f"{steps[0]['path']}, map 0, position ")
        far = 3 * len(steps) // 4
        shown.part(f'.layer[data-step="{far}"]').focus()
        shown.settle()  # of a long model its maps have not been in view before
        assert shown.part(".cell").inner_text().startswith(f"{steps[far]['path']}, ")
        assert shown.fits() and shown.printed == []
        shown.screenshot(name)
        shown.page.close()

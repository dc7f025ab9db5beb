"""What is tried: random batches of one and seven, at several sizes where these are open, and every real example."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export import verification_inputs as module
from kzoo.export.verification_inputs import cases, noise, sizes_of


def test_random_and_real(net, images, monkeypatch):
    monkeypatch.setattr(module, "REAL", 8)
    found = cases(net, images)
    assert [case.shape for case in found] == [f"{n} x 8 x 8 x 1" for n in (1, 7, 8, 8, 4)]
    assert all(case.signature == "serving_default" and list(case.inputs) == ["input"] for case in found)
    for case in found:
        np.testing.assert_allclose(case.wanted[0], net(case.inputs["input"]), atol=1e-6)
    np.testing.assert_array_equal(np.concatenate([case.inputs["input"] for case in found[2:]]), images)
    assert abs(found[1].inputs["input"].mean() - images.mean()) < 20  # noise of the examples' own range
    assert (cases(net)[1].inputs["input"] == cases(net)[1].inputs["input"]).all()


def test_large_inputs_come_in_twos(net, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 64)
    assert [case.shape for case in cases(net)] == ["1 x 8 x 8 x 1", "2 x 8 x 8 x 1"]


def test_several_inputs_and_outputs():
    a, b = keras.Input((2,), name="a"), keras.Input((), dtype="int32", name="b")
    net = keras.Model([a, b], {"z": keras.layers.Dense(1)(a), "y": keras.ops.one_hot(b, 3)})
    case = cases(net)[1]
    assert {name: (x.shape, x.dtype.name) for name, x in case.inputs.items()} == {
        "a": ((7, 2), "float32"),
        "b": ((7,), "int32"),
    }
    assert [y.shape for y in case.wanted] == [(7, 3), (7, 1)]  # by name, as a signature has them


def test_open_sizes():
    x = keras.Input((None, None, 3))
    net = keras.Model(x, keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(2, 40)(x)))
    assert sizes_of(net) == [[(128, 128, 3)], [(133, 137, 3)]]  # 32 is too small for the kernel
    assert sizes_of(net, np.zeros((1, 50, 60, 3))) == [[(50, 60, 3)], [(55, 69, 3)]]


def test_no_size_fits(monkeypatch):
    monkeypatch.setattr(module, "SIDES", (4, 8))
    x = keras.Input((None, 3), name="it")
    net = keras.Model(x, keras.layers.Conv1D(2, 40)(x), name="wide")
    with pytest.raises(Refusal, match="^export: wide takes no input with sides of 4, 8.$"):
        sizes_of(net)


def test_values_that_are_not_finite_are_refused():
    x = keras.Input((2,))
    net = keras.Model(x, keras.layers.Rescaling(np.inf)(x), name="broken")
    with pytest.raises(Refusal, match="^export: broken gives values that are not finite"):
        cases(net)


def test_noise():
    draw = np.random.default_rng(0)
    drawn = noise(draw, keras.Input((50,)), 20, (50,), examples=np.array([90.0, 110.0]))
    assert drawn.shape == (20, 50) and abs(drawn.mean() - 100) < 2 and abs(drawn.std() - 10) < 1
    assert set(noise(draw, keras.Input((50,), dtype="int32"), 2, (50,)).ravel()) == {0, 1}

"""Maximised inputs: a closed form, random inputs as a bound, seeds, forms of models, and ranges of values."""

import dataclasses

import keras
import numpy as np
import pytest

from kzoo.analysis.maximization import PRESETS, input_range, maximize
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from kzoo.models.registry import model
from tests.analysis.attribution_models import two_branches

L = keras.layers
FEW = 12


def small(shape=(10, 9, 3), **more):
    inputs = keras.Input(shape)
    x = Conv2D(4, 3, activation="relu", name="conv", **more)(inputs)
    x = L.Flatten()(x) if not more else L.GlobalAveragePooling2D(**more)(x)
    return keras.Model(inputs, L.Dense(3, "softmax", name="classes")(x))


def forms(built):
    yield built
    yield keras.Sequential([keras.Input(built.input_shape[1:]), *built.layers[1:]])
    yield keras.Sequential([keras.Input(built.input_shape[1:]), L.Rescaling(1.0), built])


def test_a_linear_unit_has_its_weights():
    built = keras.Sequential([keras.Input((5, 4, 1)), L.Flatten(), L.Dense(2, "softmax", name="classes")])
    weights = np.asarray(built.get_layer("classes").kernel)[:, 1].reshape(5, 4, 1)
    found = maximize(built, "classes", 1, "erhan2009", count=2, value_range=None)
    for x in np.asarray(found):  # values of a root mean square of 1, that of standardised inputs
        np.testing.assert_allclose(x, weights / np.sqrt((weights**2).mean()), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(found.values[-1], np.sqrt(20) * np.linalg.norm(weights), rtol=1e-4)
    assert found.values.shape == (PRESETS["erhan2009"].steps + 1, 2)


@pytest.mark.parametrize("preset", PRESETS)
def test_above_random_inputs(preset, seeds):
    built = small()
    for layer, unit in (("classes", 1), ("conv", 2), ("conv", (3, 4, 0))):
        found = maximize(built, layer, unit, preset, steps=40)
        assert found.array.shape == (1, 10, 9, 3) and found.value_range == (0, 1)
        assert found.array.min() >= 0 and found.array.max() <= 1
        x = np.concatenate([found.array, seeds.uniform(size=(100, 10, 9, 3))])
        outputs = keras.Model(built.inputs, built.get_layer(layer).output)(x).numpy()
        values = np.log(outputs) if layer == "classes" else outputs  # the logits but for a number of each example
        if isinstance(unit, tuple):
            values = values[:, 3, 4, 0]
        else:
            values = values[..., unit].reshape(101, -1).mean(-1)
        assert values[0] > values[1:].max(), (layer, unit)
        if layer == "conv":
            np.testing.assert_allclose(found.values[-1, 0], values[0], rtol=1e-4)


@pytest.mark.parametrize("preset", ["simonyan2014", "olah2017"])
def test_seeds_and_forms(preset):
    built = small()
    wanted = maximize(built, "conv", 1, preset, steps=FEW, count=2)
    assert np.abs(wanted.array[0] - wanted.array[1]).max() > 1e-3
    for form in forms(built):
        found = maximize(form, "conv", 1, preset, steps=FEW, count=2)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(maximize(built, "conv", 1, preset, steps=FEW, count=2), wanted)
    other = maximize(built, "conv", 1, preset, steps=FEW, count=2, seed=1)
    assert np.abs(other.array - wanted.array).max() > 1e-3


def test_channels_first():
    last, first = small(data_format="channels_last"), small((3, 10, 9), data_format="channels_first")
    first.set_weights(last.get_weights())
    wanted = maximize(last, "conv", 1, steps=FEW)
    found = maximize(first, "conv", 1, steps=FEW)
    assert found.array.shape == (1, 10, 9, 3) and found.value_range == (0, 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_units_that_are_0_at_first():
    built = keras.Sequential([keras.Input((8, 1)), L.Conv1D(1, 3, activation="relu", name="conv"), L.ReLU(name="relu")])
    built.set_weights([np.ones((3, 1, 1)), np.array([-2.0])])
    for layer in ("conv", "relu"):
        found = maximize(built, layer, 0, "simonyan2014", steps=100)
        assert found.values[0, 0] == 0 and found.values[-1, 0] > 0.5


@pytest.mark.parametrize("name, layer", [("mnist1d_cnn", "stage3"), ("lenet5", "stage2")])
def test_models_of_the_zoo(name, layer, tmp_path):
    built = model(name)
    found = maximize(built, layer, 1, steps=2, count=2)
    assert found.array.shape == (2, *built.input_shape[1:])
    found.plot(tmp_path / "found.png")
    assert (tmp_path / "found.png").stat().st_size > 1000


def test_several_inputs():
    """All inputs are maximised, but integer ones are 0."""
    signal, numbers, label = keras.Input((8, 1)), keras.Input((2,)), keras.Input((), dtype="int32")
    y = L.Add(name="sum")([L.Dense(3)(L.Flatten()(signal)), L.Dense(3)(numbers), L.Embedding(4, 3)(label)])
    built = keras.Model([signal, numbers, label], y)
    found = maximize(built, "sum", 1, steps=20)
    assert [x.shape for x in found.inputs] == [(1, 8, 1), (1, 2)]
    np.testing.assert_allclose(found.values[-1, 0], built([*found.inputs, np.zeros(1, "int32")])[0, 1], rtol=1e-5)
    (weights,) = [layer.kernel for layer in built.layers if isinstance(layer, L.Dense) and layer.kernel.shape[0] == 2]
    np.testing.assert_array_equal(np.sign(found.inputs[1][0]), np.sign(weights[:, 1]))


def test_inputs_that_the_unit_depends_on():
    built = two_branches(None)
    one = keras.Model(built.inputs[1], built.get_layer("right").output)
    found = maximize(built, "right", 1, steps=FEW)
    assert [x.shape for x in found.inputs] == [(1, 9, 7, 2)] and found.value_range == (-3, 3)
    np.testing.assert_allclose(found.values[-1], np.mean(one(found.array)[..., 1]), rtol=1e-5)
    assert found.values[-1] > found.values[0]
    found = maximize(built, "classes", 1, steps=FEW)
    assert [x.shape for x in found.inputs] == [(1, 6, 5, 3), (1, 9, 7, 2)] and found.value_range == (0, 1)
    np.testing.assert_allclose(found.values[-1], built([*found.inputs])[:, 1], rtol=1e-5)
    words, image = keras.Input((None,), dtype="int32"), keras.Input((8, 8, 1))
    embedded = L.GlobalAveragePooling1D()(L.Embedding(4, 2, name="words")(words))
    maps = L.Flatten()(L.Conv2D(1, 3, name="conv")(image))
    built = keras.Model([words, image], L.Concatenate()([embedded, maps]))
    assert maximize(built, "conv", 0, steps=1).array.shape == (1, 8, 8, 1)
    with pytest.raises(Refusal, match="^maximize expects a model whose first input is floating; received dtype="):
        maximize(built, "words", 0)


def test_sizes():
    built = keras.Sequential([keras.Input((None, None, 1)), L.Conv2D(2, 3, name="conv")])
    assert maximize(built, "conv", 0, steps=1, size=9).array.shape == (1, 9, 9, 1)
    assert maximize(built, "conv", 0, steps=1, size=(7, 8)).array.shape == (1, 7, 8, 1)
    for size in (None, (7,), 0, "a"):
        with pytest.raises(Refusal, match=r"^maximize expects size, of the inputs' spatial axes \(None, None\)"):
            maximize(built, "conv", 0, size=size)
    with pytest.raises(Refusal, match=r"spatial axes \(10, 9\): an integer or one for each; received size=8"):
        maximize(small(), "conv", 0, size=8)


def test_ranges():
    def range_of(*layers, shape=(8, 8, 3)):
        built = keras.Sequential([keras.Input(shape), *layers, L.Conv2D(2, 3) if len(shape) == 3 else L.Conv1D(2, 3)])
        nested = keras.Sequential([keras.Input(shape), built])
        assert input_range(nested, nested.inputs[0]) == input_range(built, built.inputs[0])
        return input_range(built, built.inputs[0])

    assert range_of(L.Rescaling(1 / 255)) == range_of(L.Rescaling(1 / 127.5, -1)) == (0, 255)
    assert range_of() == range_of(L.Rescaling([0.5, 0.4, 0.5])) == (0, 1)
    assert range_of(shape=(8, 8, 2)) == range_of(shape=(8, 1)) == (-3, 3)
    scaled = L.Normalization(mean=[100.0, 120.0, 110.0], variance=[100.0, 400.0, 25.0])
    assert range_of(scaled) == (80, 160)
    bytes_in = keras.Sequential([keras.Input((8, 8, 1)), L.Rescaling(1 / 255), L.Conv2D(2, 3, name="conv")])
    found = maximize(bytes_in, "conv", 0, steps=20)
    assert found.value_range == (0, 255) and found.array.max() > 128
    found = maximize(bytes_in, "conv", 0, "erhan2009", steps=2, value_range=(2, 4))
    assert found.array.min() >= 2 and found.array.max() <= 4


def test_settings_that_the_sources_state():
    yosinski, olah = PRESETS["yosinski2015"], PRESETS["olah2017"]
    assert (yosinski.decay, yosinski.blur, yosinski.blur_every) == (0.0001, 1.0, 4)  # table 1, third row
    assert (yosinski.small_norms, yosinski.small_contributions) == (0, 0)
    assert (olah.rate, olah.scale, olah.rotation) == (0.05, 0.05, 5)


def test_presets_can_be_changed():
    still = dataclasses.replace(PRESETS["olah2017"], jitter=0, scale=0, rotation=0)
    built = small()
    found = maximize(built, "conv", 1, still, steps=FEW)
    assert (np.diff(found.values[:, 0]) > 0).all()  # nothing random but the start


def test_refusals():
    built = small()
    for wrong, message in (
        ({"preset": "olah"}, "preset, did you mean 'olah2017'"),
        ({"preset": ["olah2017"]}, "preset, "),
        ({"steps": 0}, "steps, an integer of at least 1; received steps=0"),
        ({"count": 1.5}, "count, an integer of at least 1"),
        ({"seed": -1}, "seed, an integer of at least 0"),
        ({"value_range": (1, 0)}, "value_range, "),
        ({"value_range": "all"}, "value_range, "),
        ({"unit": 7}, "unit, a channel"),
    ):
        with pytest.raises(Refusal, match=f"^maximize expects {message}"):
            maximize(built, "conv", **{"unit": 0, **wrong})
    integers = keras.Sequential([keras.Input((8, 8, 1), dtype="uint8"), L.Rescaling(1.0), L.Conv2D(1, 3, name="conv")])
    with pytest.raises(
        Refusal, match="^maximize expects a model whose first input is floating; received dtype='uint8'"
    ):
        maximize(integers, "conv", 0)
    built.get_layer("conv").set_weights([np.full((3, 3, 3, 4), np.nan), np.zeros(4)])
    with pytest.raises(Refusal, match="^maximize expects finite values and gradients of conv"):
        maximize(built, "conv", 0, steps=1)

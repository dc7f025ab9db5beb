"""Theoretical and effective receptive fields by depth."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.effective_field import effective_receptive_field
from kzoo.analysis.field_growth import receptive_field_growth
from kzoo.checks import Refusal


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def stack(depth=8, **kwargs):
    x = inputs = keras.Input((33, 1))
    for i in range(depth):
        x = layers.Conv1D(3, 3, padding="same", name=f"conv{i + 1}", **kwargs)(x)
        x = layers.ReLU(name=f"relu{i + 1}")(x)
    return keras.Model(inputs, layers.Dense(2, name="fc")(layers.Flatten()(x)))


def test_grows_more_slowly_than_the_theoretical_field():
    """As the root of the depth: with equal weights sigma is sqrt(2 k / 3)."""
    growth = receptive_field_growth(stack(kernel_initializer="ones"), np.ones((1, 33, 1)))
    assert growth.layers == [f"conv{i + 1}" for i in range(8)]
    np.testing.assert_array_equal(growth.theoretical, 2 * np.arange(8) + 3)
    np.testing.assert_allclose([field.sigma[0] for field in growth.fields], np.sqrt(np.arange(1, 9) * 2 / 3), rtol=1e-5)
    assert (growth.effective <= growth.theoretical).all() and growth.effective[-1] < growth.theoretical[-1]
    np.testing.assert_array_equal(growth, np.stack([growth.theoretical, growth.effective], 1))


def test_given_layers_and_a_second_model(tmp_path):
    built, x = stack(3), noise(4, 33, 1)
    other = keras.models.clone_model(built)
    growth = receptive_field_growth(built, x, ["relu3", "conv1", "fc"], compare=other, batch_size=3)
    for layer, own, compared in zip(("relu3", "conv1", "fc"), growth.fields, growth.compared, strict=True):
        np.testing.assert_allclose(own.array, effective_receptive_field(built, layer, x).array, rtol=1e-4)
        np.testing.assert_allclose(compared.array, effective_receptive_field(other, layer, x).array, rtol=1e-4)
    assert growth.array.shape == (3, 3) and growth.theoretical.tolist() == [7, 3, 33]
    rows = list(zip(*(column.cells for column in growth.table().columns)))
    assert rows[1][:3] == ("conv1", "3", "exact") and len(rows[1]) == 6
    axes = growth.plot(tmp_path / "growth.png").axes[0]
    assert len(axes.lines) == 3 and [tick.get_text() for tick in axes.get_xticklabels()] == growth.layers


def test_nested_models():
    built, x = stack(2), noise(2, 33, 1)
    nested = keras.Sequential([keras.Input((33, 1)), built])
    growth, inner = receptive_field_growth(built, x), receptive_field_growth(nested, x)
    assert growth.layers == ["conv1", "conv2"] and inner.layers == [f"{built.name}/{layer}" for layer in growth.layers]
    np.testing.assert_allclose(inner, growth, rtol=1e-5)


def test_channels():
    """Three of nine channels: 0, 3 and 6."""
    built = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(9, 3, name="conv")])
    (field,) = receptive_field_growth(built, noise(1, 9, 1), channels=3).fields
    wanted = [effective_receptive_field(built, "conv", noise(1, 9, 1), unit).array for unit in (0, 3, 6)]
    np.testing.assert_allclose(field.array, np.mean(wanted, 0), rtol=1e-6)


def test_layers_without_gradients():
    built = keras.Sequential([keras.Input((9, 1)), layers.Conv1D(2, 3, kernel_initializer="zeros", name="dead")])
    growth = receptive_field_growth(built, noise(1, 9, 1))
    assert growth.array.tolist() == [[3, 0]] and np.isnan(growth.fields[0].sigma).all() and growth.plot()
    assert [next(iter(column.cells)) for column in growth.table().columns] == ["dead", "3", "exact", "0.0", "nan"]


def test_unknown_fields():
    x = keras.Input((9, 1))
    y = layers.Conv1D(1, 3, name="behind")(layers.Lambda(lambda x: 2 * x)(x))
    growth = receptive_field_growth(keras.Model(x, y), noise(1, 9, 1), ["behind"])
    assert np.isnan(growth.theoretical).all() and growth.effective == [3.0]
    assert next(iter(growth.table().columns[1].cells)) == "-"
    assert growth.plot()


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"layers": []}, "layers, a list of at least one path"),
        ({"layers": "conv1"}, "layers, a list of at least one path"),
        ({"layers": ["conv9"]}, "did you mean"),
        ({"channels": 0}, "channels, an integer above 0"),
    ],
)
def test_refusals(arguments, match):
    with pytest.raises(Refusal, match=match):
        receptive_field_growth(stack(1), noise(1, 33, 1), **arguments)

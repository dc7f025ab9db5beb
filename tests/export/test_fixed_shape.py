"""Models whose inputs get a fixed shape: the same outputs, names and weights; the given model stays as it is."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.fixed_shape import fill_batch, fix_input_shape


def test_a_fixed_batch_size(small_model, images):
    fixed = fix_input_shape(small_model, 4)
    assert fixed.input_shape == (4, 8, 8, 1) and fixed.output_shape == (4, 3) and small_model.input_shape[0] is None
    assert fixed.input.name == "input" and fixed.output_names == ["predictions"] and fixed.name == "small"
    np.testing.assert_array_equal(fixed(images[:4]), small_model(images[:4]))
    assert fix_input_shape(small_model) is small_model


def test_every_input_and_no_inner_model():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)], name="inner")
    model = keras.Model([a, b], [inner(a), keras.layers.Add(name="sum")([a, b])])
    fixed = fix_input_shape(model, np.int64(5))
    assert fixed.input_shape == [(5, 2), (5, 2)] and fixed.output_shape == [(5, 3), (5, 2)]
    assert fixed.get_layer("inner").input_shape == (None, 2)
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype("float32")
    for received, expected in zip(fixed(list(x)), model(list(x)), strict=True):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, "4"], ids=repr)
def test_batch_sizes_that_are_refused(small_model, batch_size):
    with pytest.raises(Refusal, match="^export expects batch_size, an integer above 0, or None; received batch_size="):
        fix_input_shape(small_model, batch_size)


def test_fill_batch():
    x = np.arange(6).reshape(2, 3)
    assert fill_batch(x, 5).tolist() == [[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5], [0, 1, 2]]
    assert fill_batch(x, 2).tolist() == x.tolist()

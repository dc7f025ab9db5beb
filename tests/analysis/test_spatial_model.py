"""Models of both data formats computed on channels-last arrays, and what is refused."""

import keras
import numpy as np
import pytest

from kzoo.analysis.spatial_model import SpatialModel
from kzoo.checks import Refusal
from kzoo.layers import Conv2D


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def small(data_format="channels_last", end="softmax"):
    x = keras.Input((6, 5, 3) if data_format == "channels_last" else (3, 6, 5))
    y = Conv2D(4, 3, data_format=data_format, name="conv")(x)
    pooled = keras.layers.GlobalAveragePooling2D(data_format=data_format)(y)
    return keras.Model(x, keras.layers.Dense(3, end, name="classes")(pooled), name="small")


def test_data_formats():
    last, first = small(), small("channels_first")
    first.set_weights(last.get_weights())
    x = noise(2, 6, 5, 3)
    read, other = SpatialModel("it", last), SpatialModel("it", first)
    assert read.shape == other.shape == (None, 6, 5, 3) and other.rank == 2
    np.testing.assert_array_equal(other.checked(np.moveaxis(x, -1, 1)), x)
    for a, b in zip(read.outputs_at(x, ["conv", "classes"]), other.outputs_at(x, ["conv", "classes"]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(other.probabilities(x), last(x), rtol=1e-5)


def test_probabilities_of_models_without_a_softmax():
    logits, x = small(end=None), noise(2, 6, 5, 3)
    np.testing.assert_allclose(SpatialModel("it", logits).probabilities(x), keras.ops.softmax(logits(x)), rtol=1e-5)


def test_inputs_become_floats():
    read = SpatialModel("it", small())
    assert read.checked(np.ones((1, 6, 5, 3), "uint8")).dtype == "float32"
    assert read.checked(np.ones((1, 9, 9, 3)), any_size=True).shape == (1, 9, 9, 3)
    first = SpatialModel("it", small("channels_first"))
    assert first.checked(np.ones((1, 3, 9, 8)), any_size=True).shape == (1, 9, 8, 3)
    with pytest.raises(Refusal, match=r"\(None, 3, None, None\) that is not empty; received shape=\(1, 9, 9, 3\)"):
        first.checked(np.ones((1, 9, 9, 3)), any_size=True)


@pytest.mark.parametrize("shape", [(6, 5, 3), (1, 6, 5, 2), (1, 7, 5, 3)], ids=["no batch", "channels", "size"])
def test_wrong_inputs(shape):
    with pytest.raises(Refusal, match=r"^it expects inputs, an array of numbers .* \(None, 6, 5, 3\) that is not"):
        SpatialModel("it", small()).checked(noise(*shape))


def test_refusals():
    with pytest.raises(Refusal, match="^it expects a model of one input; received model_inputs=2"):
        a, b = keras.Input((6, 1)), keras.Input((6, 1))
        SpatialModel("it", keras.Model([a, b], keras.layers.Add()([a, b])))
    with pytest.raises(Refusal, match="^it expects a functional or built Sequential model; received model='object'"):
        SpatialModel("it", object())
    maps = keras.Sequential([keras.Input((6, 5, 3)), Conv2D(4, 3)])
    with pytest.raises(Refusal, match=r"^it expects a model of classes, \(batch, classes\); received"):
        SpatialModel("it", maps).probabilities(noise(1, 6, 5, 3))

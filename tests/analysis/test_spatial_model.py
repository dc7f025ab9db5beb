"""Models of both data formats computed on channels-last arrays, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.spatial_model import SpatialModel
from kzoo.checks import Refusal
from kzoo.layers import Conv2D
from tests.analysis.attribution_models import noise, two_branches


def small(data_format="channels_last", end="softmax", size=(6, 5)):
    x = keras.Input((*size, 3) if data_format == "channels_last" else (3, *size))
    y = Conv2D(4, 3, data_format=data_format, name="conv")(x)
    pooled = layers.GlobalAveragePooling2D(data_format=data_format)(y)
    return keras.Model(x, layers.Dense(3, end, name="classes")(pooled), name="small")


def test_data_formats():
    last, first = small(), small("channels_first")
    first.set_weights(last.get_weights())
    x = noise(2, 6, 5, 3)
    read, other = SpatialModel("it", last), SpatialModel("it", first)
    assert read.shape == other.shape == (None, 6, 5, 3) and other.rank == 2
    given, moved = read.checked(x), other.checked(np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(moved.x, x)
    paths = ["conv", "classes"]
    for a, b in zip(read.outputs_at(given, paths), other.outputs_at(moved, paths), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(other.probabilities(moved), last(x), rtol=1e-5)


def test_probabilities_of_models_without_a_softmax():
    logits, x = small(end=None), noise(2, 6, 5, 3)
    read = SpatialModel("it", logits)
    np.testing.assert_allclose(read.probabilities(read.checked(x)), keras.ops.softmax(logits(x)), rtol=1e-5)


def test_inputs_become_floats():
    read = SpatialModel("it", small(size=(None, None)))
    inputs = read.checked(np.full((1, 6, 5, 3), 255, "uint8"))
    assert inputs.x.dtype == "float32" and inputs.x.max() == 255
    read = SpatialModel("it", small())
    assert read.checked(np.ones((1, 9, 9, 3)), any_size=True).x.shape == (1, 9, 9, 3)
    first = SpatialModel("it", small("channels_first"))
    assert first.checked(np.ones((1, 3, 9, 8)), any_size=True).x.shape == (1, 9, 8, 3)
    with pytest.raises(Refusal, match=r"\(None, 3, None, None\) that is not empty; received shape=\(1, 9, 9, 3\)"):
        first.checked(np.ones((1, 9, 9, 3)), any_size=True)


X = np.ones((1, 6, 5, 3))


@pytest.mark.parametrize(
    "inputs",
    [X[0], X[:0], X[..., :2], X[:, :5], [["a"]], None, 1j * X, [X, X], [X, X[:, :5]]],
    ids=["no batch", "empty", "channels", "size", "text", "None", "complex", "two", "two sizes"],
)
def test_wrong_inputs(inputs):
    with pytest.raises(Refusal, match=r"^it expects inputs, an array of numbers .* \(None, 6, 5, 3\) that is not"):
        SpatialModel("it", small()).checked(inputs)


def test_several_inputs():
    read = SpatialModel("it", two_branches(), ["right"])
    assert (read.index, read.shape, read.paths) == (1, (None, 9, 7, 2), ["right"])
    left, right = np.ones((3, 6, 5, 3)), np.arange(3 * 9 * 7 * 2, dtype="int64").reshape(3, 9, 7, 2)
    inputs = read.checked([left, right])
    np.testing.assert_array_equal(inputs.x, right)
    assert inputs.x.dtype == "float32" and inputs.arrays[0] is left
    wanted = read.model([left, right])
    np.testing.assert_allclose(read.probabilities(inputs), wanted, rtol=1e-5)
    assert read.outputs_at(inputs, ["left", "right"])[1].shape == (3, 7, 5, 4)
    larger = np.ones((3, 12, 12, 2))
    assert read.checked([left, larger], any_size=True).x.shape == larger.shape
    expected = (
        r"^it expects inputs, arrays of numbers of as many examples and shapes .* \[\(None, 6, 5, 3\), \(None, 9,"
    )
    for wrong in (left, [left], [right, left], [left[:2], right], [left[:0], right[:0]], [left, larger], None):
        with pytest.raises(Refusal, match=expected):
            read.checked(wrong)
    with pytest.raises(Refusal, match="^it expects inputs that are finite"):
        read.checked([np.nan * left, right])


def test_classes_and_their_outputs():
    built, x = small(), noise(5, 6, 5, 3)
    read = SpatialModel("it", built)
    wanted = np.asarray(built(x))
    for index, classes in ((None, wanted.argmax(-1)), (1, [1] * 5), ([2, 0, 1, 1, 0], [2, 0, 1, 1, 0])):
        found, outputs = read.class_outputs(read.checked(x), index, 2)
        np.testing.assert_array_equal(found, classes)
        np.testing.assert_allclose(outputs, wanted[range(5), classes], rtol=1e-5)
    maps = SpatialModel("it", keras.Sequential([keras.Input((6, 5, 3)), layers.Conv2D(2, 3)]))
    with pytest.raises(Refusal, match=r"^it expects a model whose first output is \(batch, classes\)"):
        maps.class_outputs(maps.checked(x), None, 2)
    with pytest.raises(Refusal, match=r"^it expects a model of classes, \(batch, classes\); received"):
        maps.probabilities(maps.checked(x))


def test_outputs_that_are_not_finite():
    built = small()
    for weight in built.weights:
        weight.assign(keras.ops.full_like(weight, np.nan))
    read = SpatialModel("it", built)
    for outputs in (read.probabilities, lambda given: read.class_outputs(given, None, 2)):
        with pytest.raises(Refusal, match="^it expects a model whose outputs are finite; received model="):
            outputs(read.checked(noise(5, 6, 5, 3)))


def test_refusals():
    with pytest.raises(Refusal, match="^it expects inputs that are finite"):
        SpatialModel("it", small()).checked(np.nan * X)
    for model, kind in ((object(), "object"), (3, "int")):
        with pytest.raises(
            Refusal, match=f"^it expects a functional or built Sequential model; received model='{kind}"
        ):
            SpatialModel("it", model)
    with pytest.raises(Refusal, match="^it expects a model whose input has 1 to 3 spatial axes"):
        SpatialModel("it", keras.Sequential([keras.Input((4,)), layers.Dense(2)]))
    with pytest.raises(Refusal, match="^it expects a model whose input is floating; received input_dtype='int32'"):
        SpatialModel("it", keras.Sequential([keras.Input((6, 5, 3), dtype="int32"), layers.Flatten()]))

"""What analyses refuse as inputs, and outputs of classes."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.model_inputs import batches, checked_inputs, class_outputs, name_of_outputs
from kzoo.checks import Refusal
from tests.analysis.attribution_models import noise


def classifier(shape=(8, 8, 1), **more):
    return keras.Sequential([keras.Input(shape, **more), layers.Flatten(), layers.Dense(3, "softmax")], name="small")


@pytest.mark.parametrize(
    "inputs",
    [np.ones((8, 8, 1)), np.ones((0, 8, 8, 1)), np.ones((1, 8, 7, 1)), [["a"]], None, 1j * np.ones((1, 8, 8, 1))],
    ids=["no batch", "empty", "shape", "text", "None", "complex"],
)
def test_inputs_that_do_not_fit(inputs):
    with pytest.raises(
        Refusal, match=r"^it expects inputs, an array of numbers of shape \(batch, ...\) = \(None, 8, 8"
    ):
        checked_inputs("it", classifier(), inputs)


def test_inputs_and_models_refused():
    with pytest.raises(Refusal, match="^it expects inputs that are finite"):
        checked_inputs("it", classifier(), np.full((1, 8, 8, 1), np.nan))
    with pytest.raises(Refusal, match="^it expects a functional or built Sequential model; received model='int'"):
        checked_inputs("it", 3, noise(1, 8))
    pair = [keras.Input((4, 1)), keras.Input((4, 1))]
    two = keras.Model(pair, layers.Add()(pair))
    with pytest.raises(Refusal, match="^it expects a model of one input; received model_inputs=2"):
        checked_inputs("it", two, noise(1, 4, 1))
    with pytest.raises(Refusal, match="^it expects a model whose input has 1 to 3 spatial axes"):
        checked_inputs("it", keras.Sequential([keras.Input((4,)), layers.Dense(2)]), noise(1, 4))
    with pytest.raises(Refusal, match="^it expects a model whose input is floating; received input_dtype='int32'"):
        checked_inputs("it", classifier(dtype="int32"), noise(1, 8, 8, 1))
    with pytest.raises(Refusal, match="^it expects batch_size, an integer above 0; received batch_size=0"):
        batches("it", noise(1, 8), 0)


def test_pixels_become_floats():
    built = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3)])
    inputs = checked_inputs("it", built, np.full((1, 8, 8, 1), 255, "uint8"))
    assert inputs.dtype == "float32" and inputs.max() == 255


def test_classes_and_their_outputs():
    built, x = classifier(), noise(5, 8, 8, 1)
    wanted = np.asarray(built(x))
    for index, classes in ((None, wanted.argmax(-1)), (1, [1] * 5), ([2, 0, 1, 1, 0], [2, 0, 1, 1, 0])):
        found, outputs = class_outputs("it", built, x, index, 2)
        np.testing.assert_array_equal(found, classes)
        np.testing.assert_allclose(outputs, wanted[range(5), classes], rtol=1e-5)
    maps = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(Refusal, match=r"^it expects a model whose first output is \(batch, classes\)"):
        class_outputs("it", maps, x, None, 2)


def test_names_of_outputs():
    assert name_of_outputs(np.float32([0, 1])) == "probability"
    for outputs in ([0.5, 1.5], [-0.1]):
        assert name_of_outputs(np.float32(outputs)) == "output"

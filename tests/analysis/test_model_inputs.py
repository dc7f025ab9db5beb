"""Arrays for the inputs of models, their batches, and which of several inputs an analysis is about."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.analysis.model_inputs import Inputs, OutputNames, as_arrays, batches, input_index, name_of_outputs
from kzoo.checks import Refusal
from tests.analysis.attribution_models import noise


def branches():
    """Returns a model of a label, a vector and two images, whose layers depend on some of them."""
    label, vector = keras.Input((), dtype="int32"), keras.Input((4,))
    images = [keras.Input((8, 8, 1)), keras.Input((8, 8, 3))]
    left, right = (layers.Conv2D(2, 3, name=name)(x) for name, x in zip(("left", "right"), images))
    both = layers.Add(name="both")([right, left])
    embedded = layers.Embedding(4, 2, name="embedded")(label)
    scaled = layers.Multiply(name="scaled")([right, layers.Dense(1, name="scale")(vector)[:, None, None]])
    outputs = layers.Concatenate(name="all")([layers.Flatten()(x) for x in (embedded, both, scaled)])
    return keras.Model([label, vector, *images], outputs, name="branches")


@pytest.mark.parametrize(
    "names, index, reversed_index",
    [
        (["left"], 2, 1),
        (["right"], 3, 0),
        (["both"], 2, 0),
        (["scale"], 1, 2),
        (["scaled"], 3, 0),
        (["embedded"], 0, 3),
        (["all"], 2, 0),
        (["all", "left"], 2, 1),
        (["scaled", "both"], 3, 0),
    ],
    ids=str,
)
def test_the_input_that_layers_depend_on(names, index, reversed_index):
    built = branches()
    assert input_index("it", built, names) == index
    symbols = [keras.Input(symbol.shape[1:], dtype=symbol.dtype) for symbol in reversed(built.inputs)]
    nested = keras.Model(symbols, built(symbols[::-1]))
    assert input_index("it", nested, [f"branches/{name}" for name in names]) == reversed_index


def test_layers_without_an_input_in_common():
    with pytest.raises(Refusal, match="^it expects layers that depend on one and the same input of the model"):
        input_index("it", branches(), ["left", "right"])


def test_shared_layers_depend_on_the_inputs_of_all_calls():
    a, b, shared = keras.Input((8, 1)), keras.Input((8, 1)), layers.Conv1D(2, 3, name="shared")
    built = keras.Model([a, b], layers.Add()([shared(b), shared(a)]))
    assert input_index("it", built, ["shared"]) == 0


def test_examples_of_several_inputs():
    image, label = noise(5, 3, 8, 9), np.arange(5)
    inputs = Inputs([label, image], 1, channels_first=True)
    assert len(inputs) == 5 and inputs.x.shape == (5, 8, 9, 3) and inputs.shapes == [(None,), (None, 3, 8, 9)]
    chosen = inputs[np.array([4, 0])]
    np.testing.assert_array_equal(chosen.arrays[0], [4, 0])
    np.testing.assert_array_equal(chosen.x[0], np.moveaxis(image[4], 0, -1))
    other = chosen.replaced(2 * chosen.x)
    np.testing.assert_array_equal(other.arrays[1], 2 * chosen.arrays[1])
    assert other.arrays[0] is chosen.arrays[0]
    assert [part.arrays[0].tolist() for part in batches("it", inputs, 2)] == [[0, 1], [2, 3], [4]]
    x, arrays = inputs.as_tensors()
    assert arrays[0] is label and arrays[1] is x and x.shape == (5, 3, 8, 9)
    with pytest.raises(Refusal, match="^it expects batch_size, an integer above 0; received batch_size=0"):
        batches("it", noise(1, 8), 0)


def test_lists():
    one, two = keras.Sequential([keras.Input((8, 1)), layers.Conv1D(2, 3)]), branches()
    x = noise(2, 8, 1)
    for given in (x, [x], (x,), x.tolist(), list(x)):
        np.testing.assert_allclose(as_arrays(one, given), [x])
    assert [a.shape for a in as_arrays(one, [x, noise(3, 8, 1)])] == [(2, 8, 1), (3, 8, 1)]
    assert [a.shape for a in as_arrays(two, [[1], [[1, 2, 3, 4]], x, x])] == [(1,), (1, 4), (2, 8, 1), (2, 8, 1)]


def test_names_of_outputs():
    assert name_of_outputs(np.float32([0, 1])) == "probability"
    for outputs in ([0.5, 1.5], [-0.1]):
        assert name_of_outputs(np.float32(outputs)) == "output"


def test_what_pictures_call_outputs():
    called = OutputNames("number", ("row",))
    assert (called(0), called(1)) == ("number row", "number 1")
    assert called.quantity(np.float32([0, 1])) == "output"
    assert OutputNames("label").quantity(np.float32([0, 1])) == "probability" and OutputNames()(2) == "class 2"

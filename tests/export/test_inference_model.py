"""The part of a model that inference needs, whatever it was trained with."""

import keras
import numpy as np

from kzoo.export.inference_model import inference_model
from kzoo.models.registry import model


def test_one_input_and_one_output_are_the_model_itself(small_model):
    assert inference_model(small_model) is small_model


def test_decoders_and_labels_are_left_out():
    whole = model("capsnet", filters=8, capsules=2, kernel_size=3, input_shape=(8, 8, 1))
    found = inference_model(whole)
    assert found.name == "capsnet" and len(found.inputs) == len(found.outputs) == 1
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(found(x), whole([x, np.zeros(2)])[0])


def test_inputs_that_the_output_needs_are_kept():
    a, b, c = (keras.Input((2,), name=name) for name in "abc")
    both = keras.layers.Add(name="both")([a, b])
    found = inference_model(keras.Model([a, b, c], [both, keras.layers.Add()([both, c])]))
    assert [t.name for t in found.inputs] == ["a", "b"] and len(found.outputs) == 1

"""A model must end in the activation that its loss expects."""

import keras
import pytest
from keras import layers, losses

from kzoo.checks import Refusal
from kzoo.losses.weighted_crossentropy import WeightedCrossentropy
from kzoo.training.output_activations import check_activations

SOFTMAX, LINEAR = layers.Dense(3, "softmax", name="end"), layers.Dense(3, name="end")


def built(*parts):
    return keras.Sequential([keras.Input((4,)), *parts])


@pytest.mark.parametrize("loss", [losses.SparseCategoricalCrossentropy, WeightedCrossentropy])
@pytest.mark.parametrize("last", ["Softmax", "softmax", "sigmoid"])
def test_probabilities(loss, last):
    layer = layers.Softmax(name="end") if last == "Softmax" else layers.Activation(last, name="end")
    model = built(layers.Dense(3), layer)
    check_activations(model, [loss()])
    with pytest.raises(Refusal, match="with from_logits: true expects logits, but end returns probabilities"):
        check_activations(model, [loss(from_logits=True)])


def test_logits():
    model = built(LINEAR)
    check_activations(model, [losses.SparseCategoricalCrossentropy(from_logits=True)])
    expected = "BinaryCrossentropy expects probabilities, but end has no activation: set from_logits: true"
    with pytest.raises(Refusal, match=expected):
        check_activations(model, [losses.BinaryCrossentropy()])


def test_what_is_not_known():
    """Losses of numbers, and last layers that may compute anything."""
    check_activations(built(LINEAR), [losses.MeanSquaredError()])
    check_activations(built(layers.Dense(3), layers.Reshape((3,))), [losses.CategoricalCrossentropy()])
    two = keras.Model(x := keras.Input((4,)), [SOFTMAX(x), layers.Dense(3, name="second")(x)])
    check_activations(two, [losses.CategoricalCrossentropy(), losses.MeanSquaredError()])
    with pytest.raises(Refusal, match="second has no activation"):
        check_activations(two, [losses.CategoricalCrossentropy()] * 2)

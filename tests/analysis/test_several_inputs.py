"""Analyses of models of two inputs against the same analyses of models of one, example by example."""

import keras
import numpy as np
import pytest

from kzoo import analysis
from tests.analysis.attribution_models import noise, two_branches

LEFT, RIGHT = noise(5, 6, 5, 3), noise(5, 9, 7, 2, seed=1)


def with_left_fixed(built, left):
    """Returns the model of the input "right" that `two_branches` is for one value of "left"."""
    x = keras.Input((9, 7, 2))
    y = keras.layers.Conv2D(4, 3, activation="relu", name="right")(x)
    y = keras.layers.GlobalAveragePooling2D()(y)
    one = keras.Model(x, keras.layers.Dense(3, "softmax", name="classes")(y))
    kernel, bias = (np.asarray(weight) for weight in built.get_layer("classes").weights)
    pooled = np.mean(built.get_layer("left")(left[None]), (0, 1, 2))
    one.get_layer("right").set_weights(built.get_layer("right").get_weights())
    one.get_layer("classes").set_weights([kernel[4:], bias + pooled @ kernel[:4]])
    return one


def invariance_curves(built, x):
    found = analysis.invariance_curves(built, "right", "shift", x, 1, batch_size=2)
    return np.stack([found.distance, found.probability]).swapaxes(0, 2)  # by example


OF_EACH_EXAMPLE = {
    "grad_cam": lambda built, x: analysis.grad_cam(built, x, 1, "right", batch_size=2),
    "project": lambda built, x: analysis.project(built, "right", 2, x, batch_size=2),
    "project_rules": lambda built, x: np.moveaxis(np.asarray(analysis.project_rules(built, "right", 3, x)), 1, 0),
    "randomization_check": lambda built, x: analysis.randomization_check(built, "right", 2, x, "gradient").array.T,
    "invariance_curves": invariance_curves,
    "feature_maps": lambda built, x: analysis.feature_maps(built, "right", x, 2),
    "inputs of feature_maps": lambda built, x: analysis.feature_maps(built, "right", x, 2).inputs,
}
OF_ALL_EXAMPLES = {
    "effective_receptive_field": lambda built, x: analysis.effective_receptive_field(built, "right", x, batch_size=2),
    "receptive_field_growth": lambda built, x: analysis.receptive_field_growth(built, x, ["right"], batch_size=2),
    "equivariance": lambda built, x: analysis.equivariance(built, "right", "shift", x, batch_size=2),
    "equivariance_by_layer": lambda built, x: analysis.equivariance_by_layer(built, "shift", x, layers=["right"]),
    "invariance": lambda built, x: analysis.invariance(built, "right", "flip", x, rate=0.4, batch_size=2),
    "top_patches": lambda built, x: analysis.top_patches(built, "right", 1, x, count=3, batch_size=2),
}
OF_OUTPUTS = {  # about the first of the model's inputs
    "grad_cam": lambda built, x: analysis.grad_cam(built, x, batch_size=2),
    "occlusion": lambda built, x: analysis.occlusion(built, x, batch_size=7),
    "shift_consistency": lambda built, x: np.moveaxis(analysis.shift_consistency(built, x, batch_size=2).classes, 1, 0),
}


@pytest.mark.parametrize("name", OF_EACH_EXAMPLE)
def test_examples_at_a_layer(name):
    built, analyse = two_branches(), OF_EACH_EXAMPLE[name]
    found = np.asarray(analyse(built, [LEFT, RIGHT]))
    wanted = [analyse(with_left_fixed(built, left), right[None]) for left, right in zip(LEFT, RIGHT)]
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=1e-4, atol=1e-5)
    assert np.any(found)


@pytest.mark.parametrize("name", OF_ALL_EXAMPLES)
def test_all_examples_at_a_layer(name):
    built, analyse = two_branches(), OF_ALL_EXAMPLES[name]
    found = np.asarray(analyse(built, [LEFT, RIGHT]))
    np.testing.assert_allclose(found, analyse(with_left_fixed(built, LEFT[0]), RIGHT), rtol=1e-4, atol=1e-5)
    assert np.any(found)


def test_layers_of_the_input_that_the_output_depends_on_first():
    built = two_branches()
    assert analysis.grad_cam(built, [LEFT, RIGHT]).layer == "left"
    for found in (
        analysis.equivariance_by_layer(built, "shift", [LEFT, RIGHT], [1]),
        analysis.receptive_field_growth(built, [LEFT, RIGHT]),
    ):
        assert found.layers[0] == "left" and "right" not in found.layers


@pytest.mark.parametrize("name", OF_OUTPUTS)
def test_examples_at_the_output(name):
    built, analyse = two_branches(), OF_OUTPUTS[name]
    right_first = keras.Model(built.inputs[::-1], built.outputs[0])
    found = np.asarray(analyse(right_first, [RIGHT, LEFT]))
    wanted = [analyse(with_left_fixed(built, left), right[None]) for left, right in zip(LEFT, RIGHT)]
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=1e-4, atol=1e-5)
    assert np.any(found)

"""Freezing: layers up to the named one stay unchanged, also batch norms, and later ones are trained."""

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.models.freeze import freeze
from kzoo.models.registry import model


def test_what_is_before_stays():
    built = freeze(model("resnet20_cifar", blocks=1, width=0.5, input_shape=(16, 16, 3)), until="stage2")
    before = {weight.path: np.array(weight) for weight in built.weights}
    draw = np.random.default_rng(0)
    built.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    built.fit(draw.normal(size=(8, 16, 16, 3)) + 3, draw.integers(0, 10, 8), epochs=2, verbose=0)
    changed = {weight.path for weight in built.weights if np.any(before[weight.path] != np.array(weight))}
    assert changed == {path for path in before if path.startswith(("stage3", "predictions"))}


def test_branches_that_the_layer_is_not_computed_from_learn():
    x = keras.Input((3,))
    left, right = (keras.layers.Dense(2, name=name)(x) for name in ("left", "right"))
    built = freeze(keras.Model(x, keras.layers.Add()([left, right])), until="left")
    assert [layer.name for layer in built.layers if layer.weights and layer.trainable] == ["right"]


def test_unknown_layers_are_refused():
    with pytest.raises(Refusal, match="did you mean 'stage2'"):
        freeze(model("nielsen_3"), until="stage22")


def test_within_a_held_model():
    """The layers before keep their weights and the later ones of the same backbone are trained."""
    backbone = model("mnist1d_cnn", include_top=False)
    built = keras.Sequential([backbone, keras.layers.Flatten(), keras.layers.Dense(3, name="top")], name="whole")
    assert freeze(built, until="stage2") is built
    assert [layer.name for layer in backbone.layers if layer.weights and not layer.trainable] == ["stage1", "stage2"]
    before = {weight.path: np.array(weight) for weight in built.weights}
    draw = np.random.default_rng(0)
    built.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    built.fit(draw.normal(size=(8, 40, 1)), draw.integers(0, 3, 8), verbose=0)
    changed = {weight.path for weight in built.weights if np.any(before[weight.path] != np.array(weight))}
    assert changed == {path for path in before if "stage3" in path or "top/" in path}
    freeze(built, until="mnist1d_cnn")
    assert [weight.path for weight in built.trainable_weights] == ["whole/top/kernel", "whole/top/bias"]

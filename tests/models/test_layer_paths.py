"""Layers of models within models: paths, what a layer depends on, and the tensors at a layer."""

import keras
import numpy as np
import pytest
from keras import layers

from kzoo.checks import Refusal
from kzoo.models.layer_paths import find_path, layer_paths, layers_until, tensors_at

X = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")


def chain(name, functional=False, **names):
    """Returns a model of two dense layers with random biases, conv1 and conv2."""
    parts = [layers.Dense(8, "tanh", name=names.get(key, key), bias_initializer="normal") for key in ("fc1", "fc2")]
    if not functional:
        return keras.Sequential([keras.Input((8,)), *parts], name=name)
    x = keras.Input((8,), name="input")
    return keras.Model(x, parts[1](parts[0](x)), name=name)


def whole(backbone, functional=False):
    """Returns a model that holds `backbone`, itself held by another one."""
    middle = keras.Sequential([backbone, layers.ReLU(name="relu")], name="middle")
    if not functional:
        return keras.Sequential([middle, layers.Dense(2, name="top")], name="whole")
    x = keras.Input((8,), name="input")
    return keras.Model(x, layers.Dense(2, name="top")(middle(x)), name="whole")


@pytest.mark.parametrize("functional", [False, True], ids=["Sequential", "functional"])
def test_layers_two_models_down(functional):
    built = whole(chain("backbone", functional), functional)
    fc1, fc2 = (layer for layer in built.get_layer("middle").layers[0].layers if layer.name != "input")
    paths = [path for path in layer_paths(built) if "input" not in path]
    assert paths == ["middle", "middle/backbone", "middle/backbone/fc1", "middle/backbone/fc2", "middle/relu", "top"]
    for name in ("fc1", "backbone/fc1", "middle/backbone/fc1"):
        assert find_path(built, "until", name) == "middle/backbone/fc1"
    assert list(layers_until(built, "fc1").values()) == [fc1]
    until = [path for path in layers_until(built, "relu") if "input" not in path]
    assert until == ["middle/backbone", "middle/backbone/fc1", "middle/backbone/fc2", "middle/relu"]
    got = keras.Model(built.inputs, tensors_at(built, "features", ["middle/relu", "middle/backbone/fc1", "top"]))(X)
    first = np.tanh(X @ fc1.kernel + fc1.bias)
    rectified = np.maximum(np.tanh(first @ fc2.kernel + fc2.bias), 0)
    top = built.get_layer("top")
    for a, b in zip(got, [rectified, first, rectified @ top.kernel + top.bias]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    before = keras.Model(built.inputs, tensors_at(built, "layer", ["middle/backbone/fc2"], "inputs"))
    np.testing.assert_allclose(before(X), first, rtol=1e-5, atol=1e-6)


def test_names_of_several_layers():
    x = keras.Input((8,), name="input")
    built = keras.Model(x, layers.Add(name="sum")([chain("left")(x), chain("right")(x)]), name="two")
    with pytest.raises(
        Refusal, match=r"two expects until, one of the layers left/fc1, right/fc1; received until='fc1'"
    ):
        layers_until(built, "fc1")
    assert list(layers_until(built, "right/fc1")) == ["right/fc1"]
    with pytest.raises(Refusal, match="two expects until, did you mean 'fc2' or 'fc1'"):
        layers_until(built, "fc22")
    for bad in (5, None, "", ["fc1"]):
        with pytest.raises(Refusal, match="two expects until"):
            layers_until(built, bad)


def test_a_model_called_twice():
    """The second call depends on all of the first; there is no one output of its layers."""
    x, shared = keras.Input((8,), name="input"), chain("shared")
    built = keras.Model(x, shared(layers.ReLU(name="relu")(shared(x))), name="twice")
    assert list(layers_until(built, "fc1")) == ["shared", "shared/fc1", "shared/fc2", "relu"]
    with pytest.raises(Refusal, match="features, a layer called once; shared is called 2 times; received"):
        tensors_at(built, "features", ["shared/fc1"])


def test_the_mode_of_a_call_stays():
    """A batch norm within a model that is called with training=True normalizes by the batch in features too."""
    inner = keras.Sequential([keras.Input((8,)), layers.BatchNormalization(name="norm"), layers.ReLU()], name="inner")
    x = keras.Input((8,))
    built = keras.Model(x, inner(x, training=True))
    maps = keras.Model(built.inputs, tensors_at(built, "features", ["inner/norm"]))
    np.testing.assert_allclose(maps(X), (X - X.mean(0)) / np.sqrt(X.var(0) + 0.001), rtol=1e-4, atol=1e-5)

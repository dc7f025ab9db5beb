"""Copies that every format can represent, with the numbers of the model itself."""

import keras
import numpy as np
import pytest

from kzoo import layers
from kzoo.export.rewrites import rewrite_for_export
from kzoo.models.registry import model

X = np.random.default_rng(0).normal(size=(3, 8, 8, 4)).astype("float32")


def test_a_model_that_needs_nothing_is_itself(small_model):
    assert (
        rewrite_for_export(small_model) is small_model and rewrite_for_export(small_model, float32=True) is small_model
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_grouped_convolutions_become_kzoos(rank):
    kind = getattr(keras.layers, f"Conv{rank}D")
    x = keras.Input((8,) * rank + (4,))
    model = keras.Model(x, kind(6, 3, groups=2, padding="same", activation="tanh", bias_initializer="ones")(x))
    found = rewrite_for_export(model)
    assert type(found.layers[1]).__module__ == "kzoo.layers.conv" and found.layers[1].groups == 2
    data = np.random.default_rng(0).normal(size=(2, *x.shape[1:])).astype("float32")
    np.testing.assert_allclose(found(data), model(data), atol=1e-6)


def test_fourier_convolutions_become_direct_ones_without_complex_numbers():
    x = keras.Input((8, 8, 4))
    model = keras.Model(x, layers.FFTConv2D(3, 5, padding="same", activation="tanh", untied_bias=True)(x))
    assert rewrite_for_export(model) is model
    found = rewrite_for_export(model, float32=True)
    assert type(found.layers[1]) is layers.Conv2D
    np.testing.assert_allclose(found(X), model(X), atol=1e-5)


def test_random_layers_become_identities():
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.RandomFlip(), keras.layers.RandomRotation(0.1)])
    model.add(keras.layers.Dropout(0.5))
    found = rewrite_for_export(model)
    assert [type(layer).__name__ for layer in found.layers] == ["Identity", "Identity", "Dropout"]
    assert [layer.name for layer in found.layers] == [layer.name for layer in model.layers]
    np.testing.assert_array_equal(found(X), X)


def test_half_precision_becomes_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = model("mnist1d_cnn")
    finally:
        keras.config.set_dtype_policy(before)
    assert rewrite_for_export(half) is half
    found = rewrite_for_export(half, float32=True)
    assert {layer.compute_dtype for layer in found.layers} == {"float32"}
    assert half.get_layer("stage1").compute_dtype == "bfloat16"  # itself untouched
    x = np.random.default_rng(0).normal(size=(4, 40, 1)).astype("float32")
    np.testing.assert_allclose(found(x), half(x), atol=0.02)
    wide = model("mnist1d_cnn", weights=None)
    wide.set_weights(half.get_weights())
    np.testing.assert_array_equal(found(x), wide(x))

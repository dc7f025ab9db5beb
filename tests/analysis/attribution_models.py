"""Small models that tests of attributions share: functional, Sequential and nested copies of one."""

import keras
import numpy as np


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def set_noise(model, seed=1):
    """Gives all weights of a model random values."""
    for number, weight in enumerate(model.weights):
        weight.assign(0.5 * noise(*weight.shape, seed=seed + number))
    return model


def copies(layers, shape):
    """Returns {kind: model} of the same layers: functional, Sequential, and nested in two levels."""
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    inner = keras.Sequential([keras.Input(shape), *layers[:2]], name="inner")
    middle = keras.Sequential([keras.Input(shape), inner, *layers[2:-1]], name="middle")
    y = keras.Input(shape)
    return {
        "functional": set_noise(keras.Model(inputs, x)),
        "sequential": keras.Sequential([keras.Input(shape), *layers]),
        "nested": keras.Model(y, layers[-1](middle(y))),
    }

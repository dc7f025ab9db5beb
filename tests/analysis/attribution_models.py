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


def two_branches(last="softmax"):
    """Returns a model of two images, whose layers "left" and "right" read one each and "classes" reads both."""
    shapes = {"left": (6, 5, 3), "right": (9, 7, 2)}
    inputs = [keras.Input(shape) for shape in shapes.values()]
    maps = [
        keras.layers.Conv2D(4, 3, activation="relu", name=name, padding="same" if name == "left" else "valid")(x)
        for name, x in zip(shapes, inputs)
    ]
    pooled = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(y) for y in maps])
    return set_noise(keras.Model(inputs, keras.layers.Dense(3, last, name="classes")(pooled), name="two_branches"))

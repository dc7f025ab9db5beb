"""One small model for all tests of exports: images of 8 x 8, preprocessing inside, two stages, three classes."""

import keras
import numpy as np
import pytest

from kzoo import layers

LABELS = ("cat", "a dog", "b/c")


@pytest.fixture(scope="session")
def small_model():
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((8, 8, 1), name="input")
    x = keras.layers.Rescaling(1 / 128, offset=-1, name="preprocess1")(x)
    x = layers.Conv2D(4, 3, padding="reflect", activation="relu", name="stage1")(x)
    x, _ = layers.MaxPoolingWithArgmax2D(2, name="stage2")(x)
    x = keras.layers.Flatten(name="flatten")(layers.AdaptiveAveragePooling2D(2, name="adaptive")(x))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax", name="predictions")(x), name="small")


@pytest.fixture(scope="session")
def images():
    """Bytes as float32, (20, 8, 8, 1)."""
    return np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype("float32")

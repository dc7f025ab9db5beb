"""Classes that only some versions of Keras have."""

import keras

from kzoo.keras_names import existing


def test_existing():
    assert existing(keras.layers, "Conv2D", "Conv4D", "Dense") == (keras.layers.Conv2D, keras.layers.Dense)
    assert existing(keras.layers, "Conv4D") == ()

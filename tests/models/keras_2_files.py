"""Writes tests/models/keras_2.zip: models saved by Keras 2, with their outputs for random inputs.

Usage: python -m tests.models.keras_2_files    (needs tf-keras; the file in the repository was made with 2.21.0)
"""

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

ARCHIVE = Path(__file__).with_name("keras_2.zip")


def signals(keras, implementation):
    layers = keras.layers
    local = layers.LocallyConnected1D(4, 3, strides=2, implementation=implementation, name="local")
    return keras.Sequential([layers.Input((9, 2)), local, layers.Flatten(), layers.Dense(3, name="top")])


def ambiguous(keras):
    """A kernel of implementation 2 that has the shape of kzoo's: 2 positions of 2 taps from 2 pixels of 2 channels."""
    layers = keras.layers
    local = layers.LocallyConnected1D(3, 2, padding="same", implementation=2, name="local")
    return keras.Sequential([layers.Input((2, 2)), local, layers.Flatten()])


def same(keras):
    """Windows that start elsewhere than TensorFlow's, and a layer within a model within a model."""
    layers = keras.layers
    local = layers.LocallyConnected2D(2, (2, 3), strides=(1, 2), padding="same", implementation=2, activation="relu")
    inner = keras.Sequential([layers.Input((5, 6, 2)), local, layers.Flatten()], name="inner")
    return keras.Sequential([layers.Input((5, 6, 2)), inner, layers.Dense(3)])


def mixed(keras):
    """Layers whose configs or files differ between Keras 2 and 3, compiled."""
    layers = keras.layers
    x = inputs = keras.Input((6, 6, 2), name="image")
    x = layers.Conv2D(3, 3, padding="same", use_bias=False)(x)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.LocallyConnected2D(3, 3, kernel_regularizer="l2", name="local")(layers.ZeroPadding2D(1)(x))
    x = layers.Add()([x, layers.SpatialDropout2D(0.2)(y)])
    x = layers.SeparableConv2D(3, 3, padding="same")(x)
    x = layers.Reshape((3, 9))(layers.MaxPooling2D()(x))
    x = layers.GRU(3)(layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x))
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Dropout(0.3)(x)))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def randomize(model, rng):
    """Sets random weights; scales and variances are between 0.5 and 1.5."""
    positive = ["variance" in weight.name or "gamma" in weight.name for weight in model.weights]
    draws = (
        rng.uniform(0.5, 1.5, w.shape) if p else rng.normal(0, 0.5, w.shape) for p, w in zip(positive, model.weights)
    )
    model.set_weights(list(draws))


def main():
    """Writes the archive."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras

    models = {f"signals_{number}": signals(tf_keras, number) for number in (1, 2, 3)}
    models |= {"ambiguous": ambiguous(tf_keras), "same": same(tf_keras), "mixed": mixed(tf_keras)}
    outputs = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, model) in enumerate(models.items()):
            rng = np.random.default_rng(number)
            randomize(model, rng)
            x = rng.normal(size=(2, *model.input_shape[1:])).astype("float32")
            outputs |= {f"{name}_x": x, f"{name}_y": model(x).numpy()}
            model.save(f"{folder}/{name}.h5")
            model.save(f"{folder}/{name}.keras")
            if name.startswith("signals"):
                model.save_weights(f"{folder}/{name}.weights.h5")
                model.save_weights(f"{folder}/{name}_legacy.h5")
        np.savez(f"{folder}/outputs.npz", **outputs)
        with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)


if __name__ == "__main__":
    main()

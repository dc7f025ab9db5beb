"""A small config, and a model with two inputs and two outputs with its settings."""

import keras

from kzoo.config.config_files import read_config


def config(*sets):
    return read_config("mnist1d_fc", ["training.steps_per_call=1", "model.units=[4]", *sets])


def two_headed():
    """A model from an example and its label to the class and a reconstruction of the example."""
    x, y = keras.Input((4,), name="input"), keras.Input((), dtype="int32", name="label")
    halved = keras.layers.Rescaling(0.5, name="preprocess1")(x)
    known = keras.layers.Concatenate()([halved, keras.ops.one_hot(y, 3)])
    heads = keras.layers.Dense(3, "softmax", name="predictions")(halved), keras.layers.Dense(4, name="again")(known)
    return keras.Model([x, y], heads)


TWO = (
    "data.inputs=[x, y]",
    "data.targets=[y, x]",
    "training.loss=[SparseCategoricalCrossentropy, MeanSquaredError]",
    "training.loss_weights=[1, 0.5]",
    "data.preprocess=[{class_name: Rescaling, config: {scale: 0.5}}]",
)

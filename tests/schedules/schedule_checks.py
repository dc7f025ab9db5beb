"""Checks that every schedule must pass."""

import keras
import numpy as np
import tensorflow as tf

from kzoo.training.keras_objects import build_object


def check_schedule(schedule, config, wanted):
    """Checks values by step: alone, in a compiled function, after serialization, from a config and in an optimizer.

    Arguments: config, what a config writes for it; wanted, {step: value}.
    """
    serialized = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(serialized)
    assert type(again) is type(schedule) and keras.optimizers.schedules.serialize(again) == serialized
    built = build_object("schedule", {"class_name": f"kzoo>{type(schedule).__name__}", "config": config})
    steps, values = np.array([*wanted], "int64"), np.array([*wanted.values()])
    for each in (schedule, again, built):
        np.testing.assert_allclose([float(each(step)) for step in steps], values, rtol=1e-5)
    compiled = tf.function(schedule, jit_compile=True, input_signature=[tf.TensorSpec((), "int64")])
    np.testing.assert_allclose([compiled(step) for step in steps], values, rtol=1e-5)
    optimizer = keras.optimizers.SGD(schedule)
    optimizer.iterations.assign(int(steps[-1]))
    np.testing.assert_allclose(optimizer.learning_rate, values[-1], rtol=1e-5)
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    restored.iterations.assign(int(steps[-1]))
    np.testing.assert_allclose(restored.learning_rate, values[-1], rtol=1e-5)

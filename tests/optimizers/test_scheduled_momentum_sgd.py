"""ScheduledMomentumSGD: the update of pylearn2 as a loop, Keras's SGD with constants, a file, a config, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.optimizers import ScheduledMomentumSGD
from kzoo.training.keras_objects import build_object

RISING = {"initial_learning_rate": 0.5, "decay_steps": 8, "end_learning_rate": 0.7}  # maxout's, in 8 steps
FALLING = {"initial_learning_rate": 0.05, "decay_steps": 1, "decay_rate": 0.99}
SCHEDULES = keras.optimizers.schedules


def train(optimizer, steps=12, jit_compile=False):
    """Returns the weight after each step down x ** 2, from 1 and 2."""
    weight, seen = keras.Variable(np.float32([1, 2])), []
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([2 * weight.value]), jit_compile=jit_compile)
    for _ in range(steps):
        step()
        seen.append(weight.numpy())
    return np.array(seen)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_formula(nesterov, jit_compile):
    """inc = momentum * inc - rate * gradient, and again with nesterov: pylearn2's Momentum."""
    optimizer = ScheduledMomentumSGD(
        SCHEDULES.ExponentialDecay(**FALLING), SCHEDULES.PolynomialDecay(**RISING), nesterov
    )
    weight, inc, wanted = np.array([1.0, 2.0]), 0.0, []
    for step in range(12):
        momentum, rate, gradient = 0.5 + 0.2 * min(step, 8) / 8, 0.05 * 0.99**step, 2 * weight
        inc = momentum * inc - rate * gradient
        weight = weight + (momentum * inc - rate * gradient if nesterov else inc)
        wanted.append(weight)
    np.testing.assert_allclose(train(optimizer, jit_compile=jit_compile), wanted, rtol=1e-5)


@pytest.mark.parametrize("momentum, nesterov", [(0, False), (0.9, False), (0.9, True)])
def test_constant_momentum(momentum, nesterov):
    plain = train(keras.optimizers.SGD(0.05, float(momentum), nesterov))
    np.testing.assert_array_equal(train(ScheduledMomentumSGD(0.05, float(momentum), nesterov)), plain)
    if momentum:
        same = SCHEDULES.PolynomialDecay(momentum, 5, momentum)
        np.testing.assert_allclose(train(ScheduledMomentumSGD(0.05, same, nesterov)), plain, rtol=1e-5)


def test_config_and_serialization():
    spec = {"class_name": "kzoo>ScheduledMomentumSGD", "config": {"learning_rate": 0.05, "clipnorm": 1}}
    spec["config"]["momentum"] = {"class_name": "PolynomialDecay", "config": RISING}
    built = build_object("optimizer", spec)
    assert type(built) is ScheduledMomentumSGD and built.clipnorm == 1
    again = keras.optimizers.deserialize(keras.optimizers.serialize(built))
    assert type(again) is ScheduledMomentumSGD and again.get_config() == built.get_config()
    np.testing.assert_array_equal(train(again), train(build_object("optimizer", spec)))
    constant = ScheduledMomentumSGD(SCHEDULES.ExponentialDecay(**FALLING), 0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(constant))
    assert again.momentum == 0.5 and type(again._learning_rate) is SCHEDULES.ExponentialDecay


def test_is_restored_from_a_file(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(ScheduledMomentumSGD(0.1, SCHEDULES.PolynomialDecay(**RISING)), "mse", run_eagerly=True)
    model.fit(np.ones((4, 2)), np.ones((4, 1)), batch_size=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(np.ones((4, 2)), np.zeros((4, 1)), batch_size=1, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_refused():
    with pytest.raises(Refusal, match="momentum, a number from 0 to 1 or a schedule; received momentum=1.5"):
        ScheduledMomentumSGD(momentum=1.5)
    with pytest.raises(Refusal, match="here.config.momentum expects a number from 0 to 1 or a schedule; received 'x'"):
        build_object("optimizer", {"class_name": "ScheduledMomentumSGD", "config": {"momentum": "x"}}, "here")

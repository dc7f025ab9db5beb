"""Rates of single weights: Caffe's update as a loop, every optimizer of Keras, paths, a resumed run, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.training.keras_objects import KINDS, _classes, build_object
from kzoo.training.model_building import build_model
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from kzoo.training.trainer_building import build_trainer
from kzoo.training.weight_paths import weight_paths
from kzoo.training.weight_rates import scale_rates, weight_factors
from tests.training.conftest import kill_after_an_epoch, signals_config
from tests.training.small import config

WITHOUT_ONE_RATE = ("LossScaleOptimizer", "MultiOptimizer")  # they need other optimizers
OPTIMIZERS = sorted({cls.__name__ for cls in _classes("optimizer").values()} - {*WITHOUT_ONE_RATE})
QUICK = ("AdamW", "Ftrl", "SGD")  # with a weight decay, divided by the rate, and plain
NEAR = {"Adafactor": {"relative_step": False}}  # its relative step is an upper bound of the rate


def test_formula_of_caffe():
    """V = momentum * V - lr * lr_mult * (gradient + decay * W); W = W + V. In a loop that XLA compiles."""
    looped = ["training.steps_per_call=2", "training.steps_per_epoch=2"]
    x, y = np.random.default_rng(0).normal(size=(2, 8, 40, 1)).astype("float32"), np.arange(16).reshape(2, 8) % 3
    rates = "{'*/bias': 2, 'predictions/*': 0.1, stage1/kernel: 0}"
    optimizer = "training.optimizer.config={learning_rate: 0.1, momentum: 0.9}"
    chosen = config("training.l2=0.5", optimizer, f"training.rates={rates}", *looped)
    model = build_model(chosen, (40, 1), 3)
    trainer = build_trainer(chosen, model)
    assert trainer.jit_compile
    factors = {"stage1/kernel": 0, "stage1/bias": 2, "predictions/kernel": 0.1, "predictions/bias": 0.2}
    wanted, velocity = {weight.path: weight.numpy() for weight in model.weights}, dict.fromkeys(factors, 0)
    weights = {weight.path: weight.value for weight in model.weights}
    start = model.get_weights()
    for images, labels in zip(x, y):
        for path, value in wanted.items():
            weights[path].assign(value)
        with tf.GradientTape() as tape:
            loss = trainer.loss(labels, model(images))  # without the weight decay
        for path, gradient in tape.gradient(loss, weights).items():
            decayed = gradient.numpy() + 0.5 * path.endswith("kernel") * wanted[path]
            velocity[path] = 0.9 * velocity[path] - 0.1 * factors[path] * decayed
            wanted[path] = wanted[path] + velocity[path]
    model.set_weights(start)
    trainer.fit(tf.data.Dataset.from_tensors((x, y)), shuffle=False, verbose=0)
    for weight in model.weights:
        np.testing.assert_allclose(weight, wanted[weight.path], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.get_weights()[0], start[0])


@pytest.fixture(scope="module")
def descend():
    """Returns a function that returns {path: value} of weights after two steps, of gradients that depend on them."""
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="b")(keras.layers.Dense(2, name="a")(inputs)))
    start = [np.linspace(0.5, 1.5, weight.numpy().size).reshape(weight.shape) for weight in model.weights]

    def steps(optimizer, rates=None, steps=2):
        model.set_weights(start)
        if rates is not None:
            scale_rates(optimizer, model, rates)
        for step in range(steps):
            optimizer.apply([tf.cos(weight.value + step) for weight in model.weights], model.trainable_weights)
        return {path: weight.numpy() for path, weight in weight_paths(model).items()}

    return steps


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.large) for name in OPTIMIZERS]
)
def test_every_optimizer(name, descend):
    """A factor of 0.25 does what a fourth of the learning rate does, weight decay included; with 0 nothing moves."""

    def optimizer(rate):
        return build_object("optimizer", {"class_name": name, "config": {"learning_rate": rate, **NEAR.get(name, {})}})

    start, whole, fourth = descend(optimizer(0.1), steps=0), descend(optimizer(0.1)), descend(optimizer(0.025))
    found = descend(optimizer(0.1), {"a/bias": 0.25, "b/kernel": 0.25, "a/kernel": 0})
    for path, wanted in {"a/bias": fourth, "a/kernel": start, "b/kernel": fourth}.items():
        np.testing.assert_allclose(found[path], wanted[path], rtol=1e-5, err_msg=path)
        assert not np.array_equal(found[path], whole[path]), path
    np.testing.assert_array_equal(found["b/bias"], whole["b/bias"])


@pytest.mark.parametrize("name", ["AdamW", "Muon"])
def test_weight_decay_is_left_as_it_was(name, descend):
    optimizer = KINDS["optimizer"][0].__dict__[name](0.1, weight_decay=0.5)
    before = optimizer.get_config()
    descend(optimizer, {"*": 0.5})
    assert optimizer.get_config() == {**before, "learning_rate": optimizer.get_config()["learning_rate"]}
    assert keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)).weight_decay == 0.5


def test_within_a_loss_scale_and_with_schedules(descend):
    def optimizer(rate):
        inner = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(rate, 1, 0.5), momentum=0.5)
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=1.0)

    fourth, found = descend(optimizer(0.025)), descend(optimizer(0.1), {"*": 0.25})
    for path, value in fourth.items():
        np.testing.assert_allclose(found[path], value, rtol=1e-5)


def test_factors_are_multiplied_in_any_order():
    model = build_model(config(), (40, 1), 3)
    rates = {"*bias": 2, "predictions/*": 0.25, "predictions/bias": 0.5}
    for given in (rates, dict(reversed(rates.items()))):
        assert [factor for _, factor in weight_factors(model, given)] == [1, 2, 0.25, 0.25]


def test_refused():
    chosen = config("training.rates={'*bias': 2, predictions/kernels: 3}")
    with pytest.raises(Refusal) as caught:
        build_trainer(chosen, build_model(chosen, (40, 1), 3))
    words = "training.rates: 'predictions/kernels' matches no trainable weight; did you mean 'predictions/kernel'"
    assert str(caught.value).startswith(words)
    chosen = config("training.rates={'*moving_mean': 2}")
    with pytest.raises(
        Refusal, match="matches no trainable weight; known: predictions/bias, predictions/kernel, stage1"
    ):
        build_trainer(chosen, build_model(chosen, (40, 1), 3))


SCHEDULED = (
    "training.rates={'*bias': 2, 'predictions/*': 0.1}",
    "training.optimizer={class_name: kzoo>ScheduledMomentumSGD, config: {learning_rate: {class_name: Warmup, config: "
    "{learning_rate: {class_name: kzoo>InversePowerDecay, config: {initial_learning_rate: 0.1, decay_steps: 4, "
    "power: 0.75}}, warmup_steps: 6}}, momentum: {class_name: PolynomialDecay, config: {initial_learning_rate: 0.5, "
    "decay_steps: 7, end_learning_rate: 0.9}}}}",
)


def test_a_resumed_run_ends_as_an_undisturbed_one(arrays, tmp_path, monkeypatch):
    """With steps in one compiled loop: rates, a warm-up in the middle of which it is killed, and a rising momentum."""
    chosen = signals_config(arrays, *SCHEDULED)
    whole, trainer, _ = train_seed(chosen, 0, tmp_path / "whole", "it", load_data(chosen))
    assert float(trainer.optimizer.learning_rate) == pytest.approx(0.1 * 3**-0.75)
    kill_after_an_epoch(monkeypatch, lambda: train_seed(chosen, 0, tmp_path / "it", "it", load_data(chosen)))
    resumed, _, state = train_seed(chosen, 0, tmp_path / "it", "it", load_data(chosen))
    assert state.epoch == 2
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

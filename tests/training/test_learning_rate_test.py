"""The learning rate range test: its rates, its end, and the rate that it suggests."""

import keras
import numpy as np
import pytest

from kzoo.config.specs import Spec
from kzoo.training.keras_objects import build_object
from kzoo.training.learning_rate_test import (
    analyse,
    find_learning_rate,
    has_diverged,
    plot_losses,
    rates_of_config,
    verdict,
    with_growing_rate,
)
from tests.training.conftest import signals_config

DECAY = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.4, "decay_steps": 1, "decay_rate": 0.5},
}
OPTIMIZERS = [
    {"class_name": "Adam"},
    {"class_name": "SGD", "config": {"learning_rate": DECAY, "momentum": 0.9}},
    {"class_name": "kzoo>ScheduledMomentumSGD", "config": {"learning_rate": 0.1, "momentum": 0.5}},
    {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": {"class_name": "AdamW"}}},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda spec: spec["class_name"])
def test_growing_rates_of_any_optimizer(optimizer):
    grown = with_growing_rate(Spec.model_validate(optimizer), 1e-4, 1.0, 5)
    built = build_object("optimizer", grown)
    inner = getattr(built, "inner_optimizer", built)
    assert type(built).__name__ == optimizer["class_name"].removeprefix("kzoo>")
    found = []
    for step in range(5):
        inner.iterations.assign(step)
        found.append(float(inner.learning_rate))
    np.testing.assert_allclose(found, [1e-4, 1e-3, 1e-2, 1e-1, 1.0], rtol=1e-4)


def test_rates_of_a_config(arrays):
    def rates(optimizer, steps):
        return rates_of_config(signals_config(arrays, f"training.optimizer={optimizer}"), steps)

    assert rates({"class_name": "SGD", "config": {"learning_rate": 0.25}}, 7) == (0.25, 0.25)
    assert rates({"class_name": "SGD", "config": {"learning_rate": DECAY}}, 4) == pytest.approx((0.05, 0.4))


@pytest.mark.parametrize("end", [[], [np.nan], [1e30] * 5])
def test_the_suggestion_is_where_the_loss_falls_steepest(end):
    """Also under noise, and before a divergence."""
    draw, rates = np.random.default_rng(0), 10 ** np.linspace(-5, 0, 151)
    losses = 2.3 - np.tanh(3 * np.log10(rates / 0.02)) + draw.normal(size=151) * 0.05
    losses[len(losses) - len(end) :] = end
    found = analyse(rates, losses)
    assert 0.01 < found.suggested < 0.04 and len(found.rates) == len(found.smoothed) == 151 - (end == [np.nan])


def test_losses_that_do_not_fall(tmp_path):
    rates = 10 ** np.linspace(-5, 0, 151)
    for losses in (np.full(151, 2.3), np.linspace(2.3, 9, 151), np.full(151, np.nan), np.array([1.0, *[np.nan] * 150])):
        found = analyse(rates, losses)
        assert found.suggested is None
        assert "falls at no learning rate" in verdict(found, (0.1, 0.1), "it")
        plot_losses(found, (0.0, 0.1), "it", tmp_path / "it.png")


def test_divergence():
    def history(*losses):
        return [{"loss": loss} for loss in losses]

    assert has_diverged(history(1.0, np.nan)) and has_diverged(history(np.inf))
    assert not has_diverged(history(1.0, 50.0)) and has_diverged(history(*[1.0] * 9, *[50.0] * 3))
    assert not has_diverged(history(*[2.0] * 9, *[1e-3] * 9, *[1.9] * 9))  # not above the first


def test_a_whole_test(arrays, tmp_path):
    path = tmp_path / "it.png"
    optimizer = f"training.optimizer={{class_name: SGD, config: {{learning_rate: {DECAY}, momentum: 0.9}}}}"
    got = find_learning_rate(signals_config(arrays, optimizer, "training.epochs=1"), "it", path)
    assert got.startswith("it: try a learning rate of ") and got.endswith(f" Curve: {path}")
    assert "; the config's schedule has 0.05 to 0.4. It is smallest at " in got
    assert 1e-4 < float(got.split()[6].rstrip(",")) < 3
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes().startswith(b"\x89PNG")
    assert keras.config.dtype_policy().name == "float32"

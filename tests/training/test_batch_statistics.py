"""Recomputed statistics of batch norms: averages over batches, of frozen ones none, and all else as before."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.layers.batch_normalization import BatchNormalization
from kzoo.training.batch_statistics import BatchStatistics
from kzoo.training.model_building import build_model
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from kzoo.training.trainer_building import build_trainer
from tests.training.conftest import kill_after_an_epoch, signals_config

SMALL = "model={name: m3, filters: [8, 8], pools: 0}"
FAST = "training.optimizer={class_name: Adam, config: {learning_rate: 0.01}}"


def test_averages_over_batches():
    """Means and biased variances of each batch, equally weighted; the second norm reads what the first gives."""
    inputs = keras.Input((4, 4, 2))
    inner = keras.Sequential([keras.Input((4, 4, 2)), BatchNormalization(momentum=0.9, name="first")])
    frozen = keras.layers.BatchNormalization(name="frozen", trainable=False)
    last = keras.layers.BatchNormalization(name="last")
    dropout = keras.layers.Dropout(0.5)
    model = keras.Model(inputs, dropout(last(keras.layers.Rescaling(3.0, 1.0)(frozen(inner(inputs))))))
    before = [np.array(value) for value in (*frozen.variables, *dropout.variables)]
    draw = np.random.default_rng(0)
    batches = [draw.normal(i, 1 + i, (6, 4, 4, 2)).astype("float32") for i in range(3)]
    BatchStatistics(model, map(tf.constant, batches)).recompute()
    first, means, variances = inner.layers[-1], [], []
    for x in batches:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        y = 3 * ((x - mean) / np.sqrt(variance + 1e-3)) / np.sqrt(1 + 1e-3) + 1
        means.append([mean, y.mean((0, 1, 2))])
        variances.append([variance, y.var((0, 1, 2))])
    for norm, mean, variance in zip((first, last), np.mean(means, 0), np.mean(variances, 0)):
        np.testing.assert_allclose(norm.moving_mean, mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-5)
    assert (first.momentum, last.momentum) == (0.9, 0.99)
    for value, kept in zip((*frozen.variables, *dropout.variables), before):
        np.testing.assert_array_equal(value, kept)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """An .npz file of 60 noisy waves of two classes, with periods of 8 and 16, far from zero."""
    path, draw, y = tmp_path_factory.mktemp("data") / "sounds.npz", np.random.default_rng(0), np.arange(60) % 2
    waves = np.sin(2 * np.pi * (np.arange(64) + draw.uniform(0, 16, (60, 1))) / (8 + 8 * y[:, None]))
    np.savez(path, x_train=(10 + 5 * waves + draw.normal(0, 0.5, waves.shape))[..., None], y_train=y)
    return path


@pytest.mark.large
def test_a_short_run_is_evaluated_as_it_was_trained(sounds, tmp_path, monkeypatch):
    """With moving averages of momentum 0.99, after 8 steps still close to 0 and 1, it is not. A resumed run ends equal.

    The weights are moving averages, too, and those of the best epoch.
    """
    average = "training.optimizer.config={learning_rate: 0.01, use_ema: true, ema_momentum: 0.5}"
    sets = [SMALL, FAST, average, "training.keep=best", "data.validation=0.2"]
    sets += ["training.jit_compile=false", "training.steps_per_call=1"]
    chosen = signals_config(sounds, *sets, "training.recompute_statistics=true")

    def train(name, config=chosen):
        model, _, checkpoint = train_seed(config, 0, tmp_path / name, "it", load_data(config))
        return model.get_weights(), checkpoint.history

    _, lagging = train("lagging", signals_config(sounds, *sets))
    whole, history = train("whole")
    assert history[-1]["accuracy"] == history[-1]["val_accuracy"] == 1
    assert lagging[-1]["accuracy"] == 1 and lagging[-1]["val_accuracy"] < 0.7
    kill_after_an_epoch(monkeypatch, lambda: train("it"))
    resumed, again = train("it")
    assert again == history
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_models_without_batch_norms_are_refused(sounds):
    chosen = signals_config(sounds, "training.recompute_statistics=true")
    with pytest.raises(Refusal) as caught:
        build_trainer(chosen, build_model(chosen, (64, 1), 2))
    words = "training.recompute_statistics expects a model with batch normalization that is trained; received "
    assert str(caught.value).startswith(words)

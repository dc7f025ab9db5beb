"""The least memory of a training step, compared with what TensorFlow allocates, and refusals of what cannot fit."""

import keras
import numpy as np
import pytest

from kzoo import memory
from kzoo.checks import Refusal
from kzoo.config.config import check_config
from kzoo.models.registry import model as zoo_model
from kzoo.training.dry_run import dry_run
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import train_seed
from kzoo.training.step_memory import model_bytes, step_bytes, variables_per_weight
from tests.config.settings import SMALL
from tests.layer_checks import same


def compiled(model, optimizer="adam"):
    model.compile(optimizer, "mse")
    return model


def test_of_dense_layers():
    x = keras.Input((10,))
    hidden = keras.layers.Dense(20, "relu")(x)
    inner = keras.Sequential([keras.Input((20,)), keras.layers.Dense(5)])
    frozen = keras.layers.Dense(7, trainable=False)(inner(hidden))
    model = compiled(keras.Model(x, keras.layers.Add()([frozen, frozen])))
    assert step_bytes(model, 100) == 4 * (3 * (10 * 20 + 20 + 20 * 5 + 5) + 100 * (10 + 20))


def test_a_tensor_that_two_layers_read_counts_once():
    x = keras.Input((None, 4), dtype="float16")
    model = compiled(keras.Model(x, [keras.layers.Conv1D(2, 3)(x), keras.layers.Conv1D(3, 3)(x)]), "sgd")
    assert step_bytes(model, 10) == 4 * (3 * 4 * 5 + 5) + 10 * 2 * 4


@pytest.mark.parametrize(
    "optimizer, count",
    [("sgd", 0), ("adam", 2), ("adagrad", 1), (keras.optimizers.SGD(0.1, momentum=0.9), 1)],
    ids=["sgd", "adam", "adagrad", "momentum"],
)
def test_variables_per_weight(optimizer, count):
    assert variables_per_weight(keras.optimizers.get(optimizer)) == count


def test_schedules_and_loss_scaling():
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))
    assert variables_per_weight(keras.optimizers.LossScaleOptimizer(optimizer)) == 2


def config(batch_size):
    return check_config(
        {**SMALL, "model": {"name": "mnist1d_cnn"}, "data": {**SMALL["data"], "batch_size": batch_size}}
    )


def test_a_batch_that_cannot_fit_is_refused_before_it_is_made():
    with pytest.raises(Refusal, match="^a training step of mnist1d_cnn with data.batch_size 10{12} needs at"):
        dry_run(config(10**12))


def test_a_step_that_cannot_fit_is_refused(monkeypatch, tmp_path):
    wanted = config(2)
    data = load_data(wanted)
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000)
    for train in (lambda: dry_run(wanted), lambda: train_seed(wanted, 0, tmp_path, "it", data)):
        with pytest.raises(Refusal, match="^a training step of mnist1d_cnn with data.batch_size 2 needs at"):
            train()


@pytest.mark.parametrize("name", ["mnist1d_cnn", "tiled_cnn", "capsnet"])
@pytest.mark.parametrize("policy", ["float32", "bfloat16"])
def test_counting_the_bytes_of_a_model_changes_nothing(name, policy):
    def build(count):
        keras.utils.set_random_seed(3)
        counted = model_bytes(name, {"weights": None}) if count else None
        return counted, keras.Sequential([zoo_model(name)])

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        counted, one = build(True)
        _, other = build(False)
    finally:
        keras.config.set_dtype_policy(before)
    assert counted == sum(np.asarray(weight).nbytes for weight in one.weights)
    for a, b in zip(one.weights, other.weights):
        same(a, b)


def test_a_model_that_cannot_fit_is_refused_before_its_weights_take_memory():
    huge = {**SMALL, "model": {"name": "mnist1d_fc", "units": [10**12]}}
    with pytest.raises(Refusal, match="^model mnist1d_fc needs at least 189989.8 GiB of memory; "):
        dry_run(check_config(huge))

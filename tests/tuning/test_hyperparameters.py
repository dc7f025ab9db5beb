"""Conversion of search spaces to KerasTuner's hyperparameters and back, and the faults of KerasTuner it avoids."""

import keras_tuner
import pytest

from kzoo.checks import Refusal
from kzoo.tuning.hyperparameters import (
    baseline_values,
    boundary_configs,
    config_with_values,
    run_config,
    trial_config,
    values_from_hyperparameters,
)
from tests.tuning.small import small

ODD = {"choice": [True, "same", [1, 2], None, 2]}


def samples(config, count=200):
    """Yields values that random search proposes."""
    oracle = keras_tuner.oracles.RandomSearchOracle("val_loss", hyperparameters=keras_tuner.HyperParameters(), seed=1)
    values_from_hyperparameters(config, oracle.hyperparameters)
    for _ in range(count):
        hp = oracle.get_space()
        hp.values = oracle._random_values()
        yield values_from_hyperparameters(config, hp)


def test_every_kind_is_converted_back():
    space = {
        "model.a": {"int": [2, 9], "step": 3},
        "model.b": {"float": [0, 0.5], "step": 0.1},
        "model.c": {"log": [1e-4, 1]},
        "model.d": {"float": [-1, 1]},
        "model.e": {"boolean": True},
        "model.f": ODD,
        "model.g": {"choice": [1, 2.5]},
    }
    found = {path: [] for path in space}
    for values in samples(small("x.npz", space=space)):
        for path in space:
            found[path].append(values[path])
    assert sorted(set(found["model.a"])) == [2, 5, 8] and {type(value) for value in found["model.a"]} == {int}
    assert sorted(set(found["model.b"])) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert 1e-4 < min(found["model.c"]) < 1e-3 and 0.3 < max(found["model.c"]) < 1
    assert -1 < min(found["model.d"]) < -0.9 and 0.9 < max(found["model.d"]) < 1
    assert set(map(repr, found["model.e"])) == {"True", "False"}
    assert set(map(repr, found["model.f"])) == {"True", "'same'", "[1, 2]", "None", "2"}
    assert set(map(repr, found["model.g"])) == {"1", "2.5"}


def test_when_holds_along_a_chain():
    space = {
        "model.a": {"choice": ["x", "y"]},
        "model.b": {"int": [1, 2], "when": {"model.a": "y"}},
        "model.c": {"boolean": True, "when": {"model.b": [2]}},
    }
    keys = {
        tuple(path[-1] + str(value) for path, value in values.items()) for values in samples(small("x", space=space))
    }
    assert keys == {("ax",), ("ay", "b1"), ("ay", "b2", "cTrue"), ("ay", "b2", "cFalse")}


def test_baseline_values():
    space = {
        "model.units": {"choice": [[4], [8]]},
        "model.activation": {"choice": ["relu", "tanh"]},
        "training.optimizer.config.momentum": {"float": [0, 1]},  # not in the config: the default of the class
        "data.batch_size": {"int": [4, 16], "when": {"model.units": [[4]]}},  # units are [6]
    }
    config = small("x.npz", space=space)
    found = baseline_values(config)
    assert found["model.units"] == [6] and set(found) <= {"model.units", "model.activation"}
    config = small("x.npz", "model.units=[4]", space=space)
    assert baseline_values(config)["data.batch_size"] == 8


def test_config_with_values():
    config = small("x.npz")
    changed = config_with_values(config, {"training.optimizer.config.learning_rate": 0.5, "model.units": [9]})
    assert changed.training.optimizer.config["learning_rate"] == 0.5 and changed.model.settings["units"] == [9]
    assert config.model.settings["units"] == [6]
    with pytest.raises(Refusal, match="^trial 3: training.epochs expects an integer above 0; received 0.$"):
        config_with_values(config, {"training.epochs": 0}, "trial 3")
    with pytest.raises(Refusal, match="^trial 3: training.callbacks.0.config: training.callbacks expects a position"):
        config_with_values(config, {"training.callbacks.0.config": 0}, "trial 3")


def test_settings_within_a_choice_of_mappings():
    """A trial does not change the space of the next one."""
    choices = [{"*/bias": 2.0}, {"*/bias": 0.5}]
    space = {"training.rates": {"choice": choices}, "training.rates.predictions/*": {"float": [0.1, 1]}}
    config = small("x.npz", space=space)
    for values in samples(config, 10):
        rates = config_with_values(config, values).training.rates
        assert rates == {**values["training.rates"], "predictions/*": values["training.rates.predictions/*"]}
        assert values["training.rates"] in choices and config.search.space["training.rates"]["choice"] == choices


def test_a_trial_uses_the_validation_split_of_the_dataset():
    config = small("x.npz", "data.validation=val")
    assert trial_config(config, {}).data.validation == "val" == run_config(config, {}).data.validation


def test_a_trial_has_no_exports_and_a_validation_split():
    config = trial_config(small("x.npz", "export.formats=[saved_model]", validation=0.3), {"training.epochs": 2})
    assert config.export.formats == [] and config.data.validation == 0.3 and config.training.epochs == 2
    assert config.training.callbacks[-1].class_name == "TerminateOnNaN" and config.search is None


def test_boundary_configs_satisfy_their_conditions():
    units = [(path, boundary.model.settings["units"]) for path, boundary in boundary_configs(small("x.npz"))]
    assert [value for path, value in units if path == "model.units"] == [[4], [6], [8]]
    assert [value for path, value in units if path.endswith("momentum")] == [[6]] * 3
    with pytest.raises(Refusal, match="search.space.data.batch_size: data.batch_size expects an integer above 0"):
        list(boundary_configs(small("x.npz", space={"data.batch_size": {"int": [0, 4]}})))


def test_faults_of_keras_tuner_are_still_there():
    """When one of these fails, KerasTuner has fixed it: simplify `_choices`, `_to_choice` and `_from_choice`."""
    hp = keras_tuner.HyperParameters()
    assert repr(hp.Choice("a", [True, False])) == "1"
    with pytest.raises(TypeError, match="only one type"):
        hp.Choice("b", [1, 2.5])
    hp.Float("c", 0, 0.5, step=0.1)
    assert len(list(hp.space[-1].values)) == 5  # six are expected

"""A zoo model with its search space in a tuner of KerasTuner."""

import keras_tuner
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.config.config import check_config, resolved
from kzoo.tuning import HyperModel
from tests.tuning.small import small, write_arrays


def test_search_with_a_tuner(tmp_path):
    config = small(write_arrays(tmp_path / "s.npz"))
    data = np.load(tmp_path / "s.npz")
    tuner = keras_tuner.RandomSearch(
        HyperModel(config), "val_loss", max_trials=2, seed=1, directory=tmp_path, project_name="it"
    )
    tuner.search(data["x_train"], data["y_train"], validation_split=0.2, epochs=1, verbose=0)
    trials = tuner.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 2 and trials[0].score < trials[1].score
    assert {hp.name for hp in tuner.oracle.get_space().space} == set(config.search.space)
    units = trials[0].hyperparameters.values["model.units"]
    assert str(list(tuner.get_best_models()[0].get_layer("stage1").output.shape[1:])) == units


def test_batch_size_and_epochs_of_the_config(tmp_path):
    config = small(write_arrays(tmp_path / "s.npz"), space={"data.batch_size": {"int": [8, 12], "step": 4}})
    passed = {}

    class Model:
        def fit(self, *args, **kwargs):
            passed.update(kwargs)

    hp = keras_tuner.HyperParameters()
    hypermodel = HyperModel(config)
    hypermodel.build(hp)
    hp.values["data.batch_size"] = 12
    hypermodel.fit(hp, Model(), np.zeros(1), epochs=7)
    assert passed == {"epochs": 7, "batch_size": 12}


def test_without_a_space():
    with pytest.raises(Refusal, match="^HyperModel expects a config with a search"):
        HyperModel(check_config({**resolved(small("x.npz")), "search": None}))

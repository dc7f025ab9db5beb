"""Trainings that write no run: which steps they take and what they return."""

import numpy as np

from kzoo.training.run_data import load_data
from kzoo.training.short_training import first_stage, train_briefly
from tests.training.conftest import signals_config


def test_epochs(arrays, monkeypatch, tmp_path):
    """As many as asked, whatever the config says; its callbacks do nothing; the end can come earlier."""
    monkeypatch.chdir(tmp_path)
    config = signals_config(arrays, "training.callbacks=[{class_name: CSVLogger, config: {filename: log.csv}}]")
    data = load_data(config)
    history = train_briefly(config, data, "it", 5, 3, lambda history: len(history) == 4)
    assert len(history) == 4 and set(history[0]) == {"loss", "accuracy"}
    assert len(train_briefly(config, data, "it", 2, 1, lambda history: False)) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_first_stage(arrays):
    """Its settings become those of the config; what it freezes stays."""
    stages = "training.stages=[{epochs: 1, freeze: [stage1], optimizer: Adam, augment: [], rates: {'*/bias': 2}}, {}]"
    config = first_stage(signals_config(arrays, stages, "data.augment=[GaussianNoise]", "training.rates={'*/bias': 3}"))
    assert config.training.optimizer.class_name == "Adam" and config.data.augment == []
    assert config.training.rates == {"*/bias": 6}
    (stage,) = config.training.stages
    assert stage.freeze == ["stage1"] and stage.optimizer is None and stage.rates == {}
    assert first_stage(signals_config(arrays)) == signals_config(arrays)


def test_one_batch(arrays):
    """With a rate of zero the batch is seen to be the same: its loss is that of the evaluation before."""
    config = signals_config(arrays, "training.optimizer={class_name: SGD, config: {learning_rate: 0.0}}")
    first, *others = train_briefly(config, load_data(config), "it", 3, 2, lambda history: False, one_batch=True)
    assert set(first) == {"val_loss", "val_accuracy"} and len(others) == 3
    for row in others:
        np.testing.assert_allclose([row["loss"], row["val_loss"]], first["val_loss"], rtol=1e-5)

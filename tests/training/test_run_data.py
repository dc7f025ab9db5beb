"""Samples of a config's data."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.mock_data import mock
from kzoo.training import run_data
from kzoo.training.evaluation import evaluate
from kzoo.training.model_building import build_model, build_trainer, map_inputs_and_targets
from kzoo.training.run_data import load_data, load_mock_data, sample, verification_data
from tests.training.conftest import signals_config


def test_sample():
    split = mock((2,), 3, size=5).test
    assert [len(part) for part in sample(split)] == [5, 5] and [len(part) for part in sample(split, 3)] == [3, 3]
    np.testing.assert_array_equal(sample(split, 3)[0], split.numpy()[0][:3])


def test_mock_data_has_the_shapes_of_the_data(arrays):
    data, like = load_data(signals_config(arrays)), load_mock_data(signals_config(arrays), 7)
    assert like.train.size == 7 and (like.input_shape, like.classes) == (data.input_shape, data.classes)


def test_weights_of_examples_count_in_losses(tmp_path):
    """Of training and evaluation, as Keras weighs them: the sum of weight * loss over the number of examples."""
    draw = np.random.default_rng(0)
    x, y, w = draw.normal(size=(40, 12, 1)), np.arange(40) % 3, draw.uniform(0, 3, 40)
    np.savez(tmp_path / "it.npz", x_train=x, y_train=y, w_train=w, x_val=x[:9], y_val=y[:9], w_val=w[:9])
    sets = ["data.validation=val", "data.batch_size=40", "training.steps_per_call=1", "training.steps_per_epoch=1"]
    config = signals_config(tmp_path / "it.npz", *sets)
    data = load_data(config)
    model = build_model(config, data.input_shape, data.classes)
    trainer = build_trainer(config, model)

    def expected(x, y, w):
        return float(np.mean(-np.log(model.predict(x, verbose=0)[np.arange(len(y)), y]) * w))

    assert evaluate(trainer, data.validation, config)["loss"] == pytest.approx(expected(x[:9], y[:9], w[:9]), rel=1e-5)
    whole = expected(x, y, w)
    assert evaluate(trainer, data.train, config)["loss"] == pytest.approx(whole, rel=1e-5)
    batches = map_inputs_and_targets(config, model, data.train.batches(40))
    history = trainer.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0).history
    assert history["loss"] == [pytest.approx(whole, rel=1e-5)]
    looped = build_trainer(signals_config(tmp_path / "it.npz", *sets[:2], "training.steps_per_epoch=2"), model)
    looped.fit(batches.batch(2), steps_per_epoch=1, shuffle=False, verbose=0)
    reconstructing = signals_config(tmp_path / "it.npz", "data.targets=[x]")
    with pytest.raises(Refusal, match="data.targets expects y only, for weighted examples"):
        map_inputs_and_targets(reconstructing, model, data.train.batches(40))


def test_verification_data(monkeypatch):
    data = mock((2,), 3, size=5, class_names=("a", "b", "c"))
    found = verification_data(data)
    assert found["examples"].shape == found["representative"].shape == (5, 2) and found["targets"].shape == (5,)
    assert found["labels"] == ("a", "b", "c") and found["images"] is False
    assert verification_data(mock((2,), 3, dtype="uint8"))["images"] is None  # decided by the model's input
    monkeypatch.setattr(run_data, "VERIFICATION_BYTES", 2 * 8)  # two examples of two numbers
    assert len(verification_data(data, *sample(data.test))["examples"]) == 2

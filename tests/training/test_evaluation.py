"""Evaluation during a run, and again for a finished run."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.examples import Examples
from kzoo.data.mock_data import mock
from kzoo.training import evaluation
from kzoo.training.evaluation import evaluate, evaluate_run, evaluation_batch_size
from kzoo.training.model_building import build_model
from kzoo.training.run import mean
from kzoo.training.trainer_building import build_trainer
from tests.training.conftest import signals_config


def test_evaluation(arrays):
    sets = ["training.steps_per_call=1", "training.metrics=[SparseTopKCategoricalAccuracy]"]
    config = signals_config(arrays, *sets)
    data = mock((12, 1), 3, size=45)
    trainer = build_trainer(config, build_model(config, (12, 1), 3))
    scores = evaluate(trainer, data.test, config)
    x, y = data.test.numpy()
    wrong = (trainer.predict(x, verbose=0).argmax(-1) != y).mean()
    assert scores["error"] == round(float(wrong), 6)
    assert set(scores) == {"error", "loss", "sparse_top_k_categorical_accuracy"}
    assert all(type(value) is float for value in scores.values())


def test_evaluation_batch_size(arrays):
    config = signals_config(arrays)
    for shape, batch in {(12, 1): 1000, (224, 224, 3): 111, (4096, 4096): 10}.items():
        split = Examples.from_arrays(np.zeros((1, 1)), np.zeros(1))
        split.input_shape = shape
        assert evaluation_batch_size(split, config) == batch


def test_evaluate_run_repeats_the_results(finished, changed, capsys):
    """It says that the data has changed, which here only the record says."""
    _, metrics = finished
    table = evaluate_run(changed)
    assert capsys.readouterr().err == f"the data changed since the run at {changed}: train 36 instead of 35.\n"
    columns = [list(column.cells) for column in table.columns]
    assert columns[:2] == [["test", "validation", "train"], ["15", "9", "36"]]
    for row, split in enumerate(columns[0]):
        assert float(columns[2][row].split()[0]) == pytest.approx(100 * metrics[split]["error"], abs=0.005)
        assert float(columns[3][row]) == pytest.approx(metrics[split]["loss"], abs=1e-4)


def test_evaluate_run_refuses_what_is_no_run(finished, tmp_path):
    with pytest.raises(Refusal, match="no finished run at"):
        evaluate_run(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"")
    with pytest.raises(Refusal, match="config.yaml cannot be read: no such file"):
        evaluate_run(tmp_path)


class Constant:
    """Stands for a compiled model whose evaluation gives these scores."""

    def __init__(self, **scores):
        self.scores = scores

    def evaluate(self, *_, **__):
        return {"accuracy": 0.5, **self.scores}


def test_numbers_that_are_not_finite(arrays, monkeypatch):
    """A loss that is no number means outputs that are none; a metric that is none becomes None, which JSON has."""
    monkeypatch.setattr(evaluation, "evaluation_batches", lambda *_: None)
    split, config = mock((12, 1), 3).test, signals_config(arrays)
    scores = evaluate(Constant(loss=1.0, f1=float("nan")), split, config)
    assert scores == {"error": 0.5, "loss": 1.0, "f1": None} and mean([1.0, None]) is None
    for loss in (float("nan"), float("inf")):
        with pytest.raises(Refusal, match=f"^it: training diverged to a loss of {loss}; try a smaller learning rate"):
            evaluate(Constant(loss=loss), split, config, "it")

"""Evaluation during a run, and again for a finished run."""

import shutil

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.data.examples import Examples
from kzoo.data.mock_data import mock
from kzoo.files import file_lock
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


def test_evaluate_run_writes_the_files_of_predictions_only(finished, tmp_path, capsys):
    folder = shutil.copytree(finished[0], tmp_path / "it")
    wanted = {name: (folder / name).read_text() for name in ("predictions.csv", "classes.csv")}
    removed = [*wanted, "confusion.png", *(["mistakes.png"] if (folder / "mistakes.png").exists() else [])]
    for name in removed:
        (folder / name).unlink()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    evaluate_run(folder)
    assert not (folder / "predictions.csv").exists()
    evaluate_run(folder, write=True)
    assert capsys.readouterr().err == f"Written to {folder}/: {', '.join(removed)}\n"
    assert {name: (folder / name).read_text() for name in wanted} == wanted
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} == {*removed} and before.items() <= after.items()
    assert [path.name for path in tmp_path.iterdir()] == ["it"]  # no lock stays


def test_evaluate_run_writes_nothing_while_the_run_is_trained(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "it")
    with file_lock(tmp_path / ".it.lock"), pytest.raises(Refusal, match="another process is training .*it"):
        evaluate_run(folder, write=True)
    (folder / "predictions.csv").unlink()
    (folder / "predictions.csv").mkdir()
    with pytest.raises(Refusal, match="evaluate --write: .*predictions.csv cannot be written"):
        evaluate_run(folder, write=True)


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

"""A finished run's figures again."""

import pytest

from kzoo.checks import Refusal
from kzoo.training.evaluation import evaluate_run


def test_evaluate_gives_the_runs_figures(finished):
    folder, metrics = finished
    table = evaluate_run(folder)
    columns = [list(column.cells) for column in table.columns]
    assert columns[:2] == [["test", "validation", "train"], ["15", "9", "36"]]
    for row, split in enumerate(columns[0]):
        assert float(columns[2][row].split()[0]) == pytest.approx(100 * metrics[split]["error"], abs=0.005)
        assert float(columns[3][row]) == pytest.approx(metrics[split]["loss"], abs=1e-4)


def test_evaluate_refuses_what_is_no_run(finished, tmp_path):
    with pytest.raises(Refusal, match="no finished run at"):
        evaluate_run(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"")
    with pytest.raises(Refusal, match="config.yaml cannot be read: no such file"):
        evaluate_run(tmp_path)

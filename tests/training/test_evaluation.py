"""A finished run's figures again."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.training.config import read_config
from kzoo.training.evaluation import evaluate_run
from kzoo.training.run import run

DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run's folder and metrics."""
    out, y = tmp_path_factory.mktemp("runs"), np.arange(60) % 3
    x = DRAW.normal(size=(60, 12, 1)).astype("float32")
    np.savez(out / "signals.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    sets = [f"data={{arrays: '{out}/signals.npz', batch_size: 10, validation: 0.2}}", "training.epochs=1"]
    sets += ["training.steps_per_epoch=4", "training.steps_per_call=2", "model.units=[5]", "export.formats=[]"]
    return run(read_config("mnist1d_fc", sets), "it", out)


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

"""A finished run's figures again, and its answers to arrays, good and bad."""

import io

import numpy as np
import pytest
from rich.console import Console

from kzoo.checks import Refusal
from kzoo.training.config import read_config
from kzoo.training.evaluation import evaluate_run, predict_run, read_array
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


def text_of(table):
    console = Console(file=io.StringIO(), width=160, markup=False)
    console.print(table)
    return console.file.getvalue()


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


def test_predict(finished, tmp_path):
    folder, _ = finished
    x = DRAW.normal(size=(4, 12, 1))
    np.save(tmp_path / "x.npy", x)
    table = predict_run(folder, tmp_path / "x.npy", top=2, out=tmp_path / "p.npy")
    answers = np.load(tmp_path / "p.npy")
    assert answers.shape == (4, 3) and table.row_count == 4 and len(table.columns) == 3
    assert [cell.split()[0] for cell in table.columns[1].cells] == [str(row.argmax()) for row in answers]
    assert "most probable classes" in text_of(table)
    assert len(predict_run(folder, tmp_path / "x.npy", top=99).columns) == 1 + 3


@pytest.mark.parametrize("shape", [(4, 12), (4, 13, 1), (0, 12, 1), (12, 1), (4, 12, 1, 1), ()], ids=str)
def test_predict_refuses_other_shapes(finished, tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    with pytest.raises(Refusal) as caught:
        predict_run(finished[0], tmp_path / "x.npy")
    wanted = f"predict expects an array of shape (N, 12, 1), N above 0; received shape={shape!r}."
    assert str(caught.value) == wanted


def test_read_array(tmp_path):
    for dtype in ("uint8", "float64", "bool", "int32", "float16"):
        np.save(tmp_path / "x.npy", np.ones((2, 3), dtype))
        assert read_array(tmp_path / "x.npy").dtype == "float32"
    np.savez(tmp_path / "z.npz", a=np.ones(3))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "complex.npy", np.ones(2, complex))
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "empty.npy").touch()
    (tmp_path / "junk.npy").write_bytes(b"junk" * 100)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-3])
    for name in ("none.npy", "z.npz", "text.npy", "complex.npy", "object.npy", "empty.npy", "junk.npy", "cut.npy", "."):
        with pytest.raises(Refusal, match="^predict") as caught:
            read_array(tmp_path / name)
        assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)

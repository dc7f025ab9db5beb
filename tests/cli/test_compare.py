"""`kzoo compare`: the command; tests.reports.test_run_comparison.py checks its numbers."""

import json

import pytest

from tests.reports.test_run_comparison import write_run


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "saved_models" / "a", [0.25])
    write_run(tmp_path / "saved_models" / "b", [0.5, 0.25], "training.epochs=7")


def test_compare(call, runs, tmp_path):
    code, out, err = call("compare", "a", "b", "--plot", "curves.png")
    assert code == 0 and "training.epochs" in out and "37.5 % (25 - 50 %)" in out
    assert err == "Written to curves.png.\n" and (tmp_path / "curves.png").exists()
    code, out, _ = call("compare", "a", "saved_models/b/seed_1", "--json")
    assert code == 0 and [run["run"] for run in json.loads(out)["runs"]] == ["a", "saved_models/b/seed_1"]


def test_files_are_not_overwritten(call, misuse, runs, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    assert "a path where there is nothing, or a file and --overwrite" in misuse(
        "compare", "a", "b", "--plot", "mine.png"
    )
    assert "the path of a .png file" in misuse("compare", "a", "b", "--plot", "mine.jpg")
    assert "cannot be written" in misuse("compare", "a", "b", "--plot", "mine.png/c.png")
    assert (tmp_path / "mine.png").read_text() == "mine"
    assert call("compare", "a", "b", "--plot", "mine.png", "--overwrite")[0] == 0


def test_misuse(misuse, runs):
    assert misuse("compare", "a") == "compare expects two runs or more; received runs=['a']."
    assert "no finished run at c or saved_models/c: metrics.json is missing" in misuse("compare", "a", "c")

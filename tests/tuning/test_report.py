"""The report of a search: the best trial, trials.csv, the table, the plots; written again from a folder."""

import csv
import json

import pytest

from kzoo.checks import Refusal
from kzoo.config.config import resolved
from kzoo.config.yaml_file import write_yaml
from kzoo.tuning.report import best_trial, rebuild_report, trials_table, write_report
from tests.tuning.small import small

RATE = "training.optimizer.config.learning_rate"


def result(trial, objective, **values):
    status = "failed" if objective is None else "completed"
    cost = {"parameters": None if objective is None else 1234, "seconds": 2.5, "reason": None}
    known = {"trial": trial, "values": {RATE: 0.01, "model.units": [6], **values}, "epochs": 3}
    return {**known, "status": status, "objective": objective, **cost}


RESULTS = [
    result(0, 0.5),
    result(1, 0.75, **{"model.units": [8]}),
    {**result(2, None), "reason": "training [diverged]"},
    result(3, 0.75, **{RATE: 0.1}),
]


@pytest.fixture
def folder(tmp_path):
    """The folder of an interrupted search with four trials, one of them failed."""
    folder = tmp_path / "saved_models" / ".it.partial"
    for trial in RESULTS:
        trial_folder = folder / "trials" / f"{trial['trial']:04d}"
        trial_folder.mkdir(parents=True)
        (trial_folder / "result.json").write_text(json.dumps(trial))
    write_yaml(resolved(small("x.npz")), folder / "search.yaml")
    return folder


def test_best():
    assert best_trial(RESULTS, small("x").search)["trial"] == 1  # the first of equal ones
    assert best_trial(RESULTS, small("x", objective="val_loss").search)["trial"] == 0
    assert best_trial(RESULTS[2:3], small("x").search) is None


def test_table(capsys):
    from rich.console import Console

    Console(width=160, markup=False).print(trials_table(RESULTS, small("x").search, "a title"))
    printed = capsys.readouterr().out
    lines = [line.split("│")[1:-1] for line in printed.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert cells[1] == ["1", "0.7500", "1,234", "3", "2", "0.01", "[8]", "", "best"]
    assert cells[2][1] == "-" and cells[2][-1] == "training [diverged]"


def test_report(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parents[1])
    rebuild_report("it")  # interrupted
    assert {path.name for path in folder.iterdir()} == {
        *("search.yaml", "settings.png", "trials", "trials.csv", "trials.png")
    }
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [row["val_accuracy"] for row in rows] == ["0.5", "0.75", "", "0.75"]
    assert rows[1]["model.units"] == "[8]" and rows[0]["training.optimizer.config.momentum"] == ""
    assert rows[2]["reason"] == "training [diverged]" and rows[2]["status"] == "failed"
    first = (folder / "trials.png").read_bytes()
    folder.rename(folder.with_name("it"))
    rebuild_report("it")
    rebuild_report(str(folder.with_name("it")))
    assert (folder.with_name("it") / "trials.png").read_bytes() == first
    folder.with_name("it").rename(folder.with_name("it_search"))
    rebuild_report("it")
    rebuild_report("configs/it.yaml")
    printed = capsys.readouterr().out
    assert printed.count("best") == 5 and printed.count("it_search") == 2


def test_all_failed_is_a_table_without_plots(folder):
    for number in ("0000", "0001", "0003"):
        (folder / "trials" / number / "result.json").unlink()
    write_report(small("x"), folder, "it")
    assert not (folder / "trials.png").exists() and len((folder / "trials.csv").read_text().splitlines()) == 2


def test_refusals(folder, monkeypatch):
    monkeypatch.chdir(folder.parents[1])
    words = "^no search at other, saved_models/other or saved_models/other_search: search.yaml is missing.$"
    with pytest.raises(Refusal, match=words):
        rebuild_report("other")
    for run in (".", "", "/"):
        with pytest.raises(Refusal, match="^no search at "):
            rebuild_report(run)
    (folder / "trials" / "0001" / "result.json").write_text('{"trial": 1')
    with pytest.raises(Refusal, match="0001/result.json is damaged .*; delete it, and the same command runs"):
        rebuild_report("it")

"""Compared runs: settings that differ, means and ranges over seeds, and curves; of runs of earlier versions too."""

import json
import shutil

import pytest

from kzoo.checks import Refusal
from kzoo.config.config import resolved
from kzoo.config.config_files import read_config
from kzoo.config.yaml_file import write_yaml
from kzoo.reports.run_comparison import compare, comparison_table, plot_curves, read_run

HISTORY = "epoch,loss,accuracy,val_loss,val_accuracy\n1,2.0,0.25,2.5,0.2\n2,1.0,0.5,1.5,\n"


def write_run(folder, errors, *sets):
    """Writes the files of a finished run with a seed for each test error, as an earlier version did."""
    config = write_yaml(resolved(read_config("mnist1d_fc", sets)))
    folders = [folder / f"seed_{seed}" for seed in range(len(errors))] if len(errors) > 1 else [folder]
    for seed, (error, of_seed) in enumerate(zip(errors, folders)):
        of_seed.mkdir(parents=True)
        metrics = {"model": "mnist1d_fc", "data": "mine", "train": {"error": 0.0, "loss": 0.5}, "published": None}
        metrics |= {"test": {"error": error, "loss": 1.0, "f1": 2 * error}, "parameters": 123, "epochs": 2, "steps": 20}
        metrics |= {"seconds": 10.0 + seed, "steps_per_second": 2.0, "export": {}, "seed": seed}
        (of_seed / "metrics.json").write_text(json.dumps(metrics))
        (of_seed / "history.csv").write_text(HISTORY)
        (of_seed / "config.yaml").write_text(config)
    if len(errors) > 1:
        (folder / "metrics.json").write_text("{}")


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "a", [0.25])
    write_run(tmp_path / "b", [0.5, 0.25, 0.75], "training.epochs=7", "training.optimizer=Adam")
    return [read_run(tmp_path / name) for name in "ab"]


def cells(table):
    return {row[0]: row[1:] for row in zip(*(column.cells for column in table.columns))}


def test_compare(runs):
    found = compare(runs)
    assert found["settings"]["training.epochs"][1] == "7" and "training.steps_per_epoch" not in found["settings"]
    assert found["settings"]["training.optimizer.class_name"] == ['"SGD"', '"Adam"']
    assert found["settings"]["training.optimizer.config.learning_rate"][1] == "unset"
    first, second = found["runs"]
    assert first["results"]["test"]["error"] == {"mean": 0.25, "min": 0.25, "max": 0.25, "values": [0.25]}
    assert second["results"]["test"]["error"] == {"mean": 0.5, "min": 0.25, "max": 0.75, "values": [0.5, 0.25, 0.75]}
    assert (second["seeds"], second["seconds"], second["epochs"]) == ([0, 1, 2], 11.0, 2)
    json.dumps(found, allow_nan=False)


def test_table(runs):
    rows = cells(comparison_table(compare(runs)))
    assert rows["test error"] == ("25 %", "50 % (25 - 75 %)") and rows["test f1"] == ("0.5", "1 (0.5 - 1.5)")
    assert rows["training error"] == ("0 %", "0 % (0 - 0 %)") and rows["parameters"] == ("123", "123")
    assert rows["training time of a seed"] == ("10 s", "11 s") and rows["seeds"] == ("1", "3")
    assert "shorter than its recipe" not in rows and "validation error" not in rows


def test_shorter_than_the_recipe_and_missing_results(tmp_path, runs):
    write_run(tmp_path / "c", [0.5])
    metrics = json.loads((tmp_path / "c" / "metrics.json").read_text())
    metrics |= {"recipe": {"epochs": 60, "steps": 600}, "test": {}, "validation": {"error": 0.5, "loss": None}}
    (tmp_path / "c" / "metrics.json").write_text(json.dumps(metrics))
    rows = cells(comparison_table(compare([runs[0], read_run(tmp_path / "c")])))
    assert rows["shorter than its recipe"] == ("", "2 of 60 epochs")
    assert rows["test error"] == ("25 %", "-") and rows["validation error"] == ("-", "50 %")
    assert rows["validation loss"] == ("-", "-") and rows["test f1"] == ("0.5", "-")
    rows = cells(comparison_table(compare([read_run(tmp_path / "c"), runs[0]])))
    assert rows["test f1"] == ("-", "0.5")  # whichever run comes first


def test_curves(runs, tmp_path):
    plot_curves([run._replace(name=r"$\fra$ [b]") for run in runs], tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    numbers = [run._replace(histories=[[{"epoch": 1.0, "loss": 2.0, "mae": 1.0}]]) for run in runs]
    plot_curves(numbers, tmp_path / "n.png")  # without accuracies
    assert (tmp_path / "n.png").exists()
    (tmp_path / "a" / "history.csv").unlink()
    plot_curves([read_run(tmp_path / "a"), runs[1]], tmp_path / "d.png")
    with pytest.raises(Refusal, match="^compare --plot expects runs with a history.csv"):
        plot_curves([read_run(tmp_path / "a")], tmp_path / "e.png")


def test_damaged_files(tmp_path, runs):
    folder = tmp_path / "a"
    for content in ("epoch,loss\n1,many\n", "loss\n1\n", "epoch,loss\n1,2,3\n"):
        (folder / "history.csv").write_text(content)
        with pytest.raises(Refusal, match="history.csv"):
            read_run(folder)
    (folder / "metrics.json").write_text("{")
    with pytest.raises(Refusal, match="metrics.json is damaged"):
        read_run(folder)
    shutil.rmtree(folder)
    with pytest.raises(Refusal, match="no finished run at"):
        read_run(folder)

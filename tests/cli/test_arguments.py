"""Configs that cannot be read, and the option --allow-outside."""

import json
import subprocess
import sys

import pytest

from kzoo.cli.arguments import check_run_or_model
from kzoo.training.checkpoint import Checkpoint
from tests.cli.conftest import SMALL


def test_an_unknown_dataset(misuse):
    got = misuse("train", "--dry-run", "--set", "data.name=mnist1")
    assert "received name='mnist1'; did you mean 'mnist1d' or 'mnist'" in got


def test_a_model_whose_run_is_not_finished(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    check_run_or_model("vgg16")
    assert capsys.readouterr().err == ""
    (tmp_path / "saved_models" / ".vgg16.partial").mkdir(parents=True)
    check_run_or_model("vgg16")
    note = "The run saved_models/vgg16 is not finished: this is the model vgg16 with initial weights.\n"
    assert capsys.readouterr().err == note


@pytest.mark.parametrize(
    "text, words",
    [
        ("model: {name: a", "c.yaml line 1: expected"),
        ("a: 1\na: 2\n", "c.yaml line 2: the key 'a' is a duplicate"),
        ("\t- x", "c.yaml line 1"),
        ("", "c.yaml is empty"),
        ("- 1", "c.yaml expects a mapping of settings; received a list."),
        ("model: {name: mnist1d_cnn}\n", "c.yaml: data is missing; training is missing."),
    ],
)
def test_broken_configs(misuse, tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text)
    assert words in misuse("train", "c.yaml")
    assert not (tmp_path / "saved_models").exists()


def callbacks(*specs):
    """Returns the --set of callbacks, each given as (class name, settings)."""
    return "--set=training.callbacks=" + json.dumps([{"class_name": name, "config": config} for name, config in specs])


@pytest.mark.parametrize(
    "command", [["train"], ["train", "--dry-run"], ["tune", "--set=search.trials=1"]], ids=" ".join
)
def test_callbacks_outside_need_the_option(misuse, command, tmp_path):
    logger, monitor = ("CSVLogger", {"filename": "../x.csv"}), ("RemoteMonitor", {})
    got = misuse(*command, "mnist1d_cnn", callbacks(logger))
    assert got.endswith("filename: '../x.csv' is outside the run's folder, which needs --allow-outside.")
    got = misuse(*command, "mnist1d_cnn", callbacks(monitor))
    assert got.endswith("RemoteMonitor sends results to a server, which needs --allow-outside.")
    assert [path.name for path in tmp_path.iterdir()] in ([], ["saved_models"])


def test_allow_outside(call, misuse, arrays, tmp_path, monkeypatch):
    """A file outside is written, but not overwritten by the next run; results are sent after the checkpoint."""
    sent = []

    def post(url, data, headers):
        state = Checkpoint(None, tmp_path / "saved_models" / ".mnist1d_fc.partial" / "state.npz")
        sent.append((url, json.loads(data["data"])["epoch"], state.epoch))

    monkeypatch.setattr("requests.post", post)
    both = callbacks(("RemoteMonitor", {"root": "http://here"}), ("CSVLogger", {"filename": "../../x.csv"}))
    command = ["train", "mnist1d_fc", "--allow-outside", both, arrays, *SMALL, "--set=export.formats=[]"]
    assert call(*command)[0] == 0
    assert sent == [("http://here/publish/epoch/end/", 0, 1)]
    written = (tmp_path / "x.csv").read_text()
    assert written.startswith("epoch,accuracy,") and len(written.splitlines()) == 2
    assert "x.csv exists and is not of this run" in misuse(*command, "--overwrite")
    assert (tmp_path / "x.csv").read_text() == written


@pytest.mark.large
def test_processes_of_a_search_see_the_option(arrays, tmp_path):
    given = [callbacks(("RemoteMonitor", {"root": "http://127.0.0.1:9"})), arrays, *SMALL, "--set=export.formats=[]"]
    space = "--set=search={trials: 1, space: {model.units.0: {int: [3, 4]}}}"
    for option, code in ((), 2), (["--allow-outside"], 0):
        command = [sys.executable, "-m", "kzoo", "tune", "mnist1d_fc", space, *given, *option]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    trials = (tmp_path / "saved_models" / "mnist1d_fc_search" / "trials.csv").read_text()
    assert ",completed," in trials and ",failed," not in trials

"""Data that changed since a run: what is said, and what is refused."""

import json
from types import SimpleNamespace

import pytest

from kzoo.checks import Refusal
from kzoo.training.data_fingerprint import FILE, check_fingerprint, fingerprint_file, keep_fingerprint, list_changes
from kzoo.training.run_data import load_data
from kzoo.training.seed_run import run_seed
from tests.training.conftest import signals_config

MODEL = SimpleNamespace(inputs=[SimpleNamespace(shape=(None, 12, 1))])


@pytest.fixture
def check(arrays, tmp_path, capsys):
    """Calls `check_fingerprint` with a recorded text and returns what it prints."""
    config = signals_config(arrays)
    data = load_data(config)

    def call(recorded, model=MODEL):
        if recorded is not None:
            changed = {**data.fingerprint, **recorded} if isinstance(recorded, dict) else recorded
            (tmp_path / FILE).write_text(json.dumps(changed) if isinstance(recorded, dict) else recorded)
        check_fingerprint(config, tmp_path, data, model)
        return capsys.readouterr().err.replace(str(tmp_path), "it")

    return call


def test_unchanged_data_is_not_mentioned(check):
    assert check({}) == ""


def test_other_content_is_one_line(check):
    line = check({"train": 44, "files": "ab"})
    assert line == "the data changed since the run at it: train 45 instead of 44, other files.\n"


@pytest.mark.parametrize("key, value", [("classes", 4), ("classes", None), ("input_shape", [13, 1])])
def test_data_that_the_model_does_not_fit_is_refused(check, key, value):
    with pytest.raises(Refusal, match=f"{key} .* instead of .*; its model does not fit the data any more.$"):
        check({key: value})


@pytest.mark.parametrize("recorded", [None, "{", "[]", "null", "\0"])
def test_runs_without_a_fingerprint(check, recorded):
    """As earlier versions wrote them; a damaged one counts as none."""
    assert check(recorded) == ""
    with pytest.raises(Refusal, match=r"input_shape \[12, 1\] instead of \[24, 1\]; its model does not fit"):
        check(recorded, SimpleNamespace(inputs=[SimpleNamespace(shape=(None, 24, 1))]))


def test_resuming_with_other_data_is_refused(arrays, tmp_path):
    config = signals_config(arrays, "training.seeds=[0, 1]")
    folder = tmp_path / "seed_1"
    file = fingerprint_file(config, folder)
    assert file == tmp_path / FILE and fingerprint_file(signals_config(arrays), folder) == folder / FILE
    keep_fingerprint(file, {"train": 44, "files": "ab"})
    with pytest.raises(Refusal, match="the data changed since .*data.json was written: train 45 instead of 44, other"):
        run_seed(config, 1, folder, "it")
    assert json.loads(file.read_text()) == {"train": 44, "files": "ab"}


def test_changes():
    now = {"classes": 3, "test": 0, "files": "ab"}
    assert list_changes(now, now) == list_changes({}, now) == {} and list_changes({"unknown": 1}, now) == {}
    assert list_changes({"test": 5, "classes": "x" * 999}, now) == {
        "classes": f"classes 3 instead of {'x' * 40}",
        "test": "test 0 instead of 5",
    }

"""Workers, and what they make of a chief that is gone or gives their trial to another."""

import json

import pytest

from kzoo.checks import Refusal
from kzoo.tuning import worker as module
from kzoo.tuning.trials import Trials
from kzoo.tuning.worker import Chief, Lost, run_given, work
from tests.tuning.small import small


def test_work_to_the_end(tmp_path, monkeypatch):
    def run_trial(config, trial, folder, label, search, past, beat):
        beat()
        record = {**trial, "status": "completed", "objective": 0.5, "reason": None, "parameters": 1, "seconds": 1.0}
        (folder / "result.json").write_text(json.dumps(record))

    monkeypatch.setattr(module, "run_trial", run_trial)
    config = small("x.npz", trials=3)
    trials = Trials(config, tmp_path, "it")
    work(trials, config, tmp_path, "it")
    assert [record["trial"] for record in trials.sorted()] == [0, 1, 2]


def test_a_trial_of_another(tmp_path, monkeypatch):
    """The worker stops it at the next beat, and says nothing of its end."""
    config = small("x.npz")
    trials = Trials(config, tmp_path, "it")
    given = trials.give("0")
    trials.lose(given.id, "silent")
    beats = []

    def run_trial(*args):
        with pytest.raises(Lost):
            args[-1]()
        beats.append(args[-1])
        args[-1]()

    monkeypatch.setattr(module, "run_trial", run_trial)
    run_given(given, trials, config, tmp_path, "it")
    assert len(beats) == 1 and trials.records == {}


def test_a_chief_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETURN", 0.2)
    monkeypatch.setattr(module, "ANSWER", 0.2)
    chief = Chief("127.0.0.1:1", tmp_path)
    with pytest.raises(Refusal, match="the search's chief at 127.0.0.1:1 does not answer: DEADLINE_EXCEEDED"):
        chief.give("worker0")
    assert chief.seen("0000-1")  # it may come back

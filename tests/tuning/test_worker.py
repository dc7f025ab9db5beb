"""Workers, also when the chief is gone or has leased their trial to another worker."""

import json

import pytest

from kzoo.checks import Refusal
from kzoo.tuning import worker as module
from kzoo.tuning.trials import Trials
from kzoo.tuning.worker import ChiefClient, LeaseExpired, run_lease, run_worker
from tests.tuning.small import small


def test_run_until_no_trial_is_left(tmp_path, monkeypatch):
    def run_trial(config, trial, folder, label, search, parent, heartbeat):
        heartbeat()
        result = {**trial, "status": "completed", "objective": 0.5, "reason": None, "parameters": 1, "seconds": 1.0}
        (folder / "result.json").write_text(json.dumps(result))

    monkeypatch.setattr(module, "run_trial", run_trial)
    config = small("x.npz", trials=3)
    trials = Trials(config, tmp_path, "it")
    run_worker(trials, config, tmp_path, "it")
    assert [result["trial"] for result in trials.sorted_results()] == [0, 1, 2]


def test_an_expired_lease(tmp_path, monkeypatch):
    """The worker stops the trial at the next heartbeat, and does not report its end."""
    config = small("x.npz")
    trials = Trials(config, tmp_path, "it")
    lease = trials.acquire("0")
    trials.expire(lease.id, "no heartbeat")
    heartbeats = []

    def run_trial(*args):
        with pytest.raises(LeaseExpired):
            args[-1]()
        heartbeats.append(args[-1])
        args[-1]()

    monkeypatch.setattr(module, "run_trial", run_trial)
    run_lease(lease, trials, config, tmp_path, "it")
    assert len(heartbeats) == 1 and trials.results == {}


def test_a_chief_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RECONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(module, "HEARTBEAT_TIMEOUT", 0.2)
    chief = ChiefClient("127.0.0.1:1", tmp_path)
    with pytest.raises(Refusal, match="the search's chief at 127.0.0.1:1 does not respond: DEADLINE_EXCEEDED"):
        chief.acquire("worker0")
    assert chief.heartbeat("0000-1")  # it may come back

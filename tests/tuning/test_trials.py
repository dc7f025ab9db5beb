"""Trials of several workers that finish in any order or die, and searches that are stopped and resumed."""

import json
import random

import pytest

from kzoo.checks import Refusal
from kzoo.tuning.oracle import ORACLES
from kzoo.tuning.trials import MAX_WORKER_DEATHS, TRIAL_KEYS, Trials
from tests.tuning.small import small

GRID = {"model.units": {"choice": [[4], [6]]}, "data.batch_size": {"int": [4, 12], "step": 4}}


def config_of(algorithm, trials=14):
    space = {"space": GRID} if algorithm == "grid" else {}
    return small("x.npz", algorithm=algorithm, trials=trials, max_epochs=9, **space)


def write_result(trials, lease):
    """Writes a result without training: an objective that depends on values and epochs, or a failure."""
    trial = lease.trial
    number = sum(map(ord, repr(trial["values"]))) * 7919 % 101
    ended = {"status": "failed", "objective": None, "reason": "chance"}
    if number > 15:
        ended = {"status": "completed", "objective": number / 101 + (trial["epochs"] or 0), "reason": None}
    result = {**{key: trial[key] for key in TRIAL_KEYS}, **ended, "parameters": 1, "seconds": 6.0}
    (trials.folder / f"{trial['trial']:04d}" / "result.json").write_text(json.dumps(result))


def run_with_one_worker(config, folder):
    trials = Trials(config, folder, "it")
    while lease := trials.acquire("0"):
        write_result(trials, lease)
        trials.finish(lease.id)
    assert trials.all_finished()
    return trials.sorted_results()


def run_with_three_workers(config, folder, draw, stops=0.0, deaths=0.0):
    """Runs a search by three workers that finish in random order; at random all stop, or one of them dies."""
    trials, running = Trials(config, folder, "it"), []
    while running or not trials.all_finished():
        if draw.random() < stops:
            trials, running = Trials(config, folder, "it"), []
        elif len(running) < 3 and (lease := trials.acquire(str(len(running)))):
            running.append(lease)
        elif running:
            lease = running.pop(draw.randrange(len(running)))
            if draw.random() < deaths:
                trials.expire(lease.id, "it died")
            else:
                write_result(trials, lease)
                trials.finish(lease.id)
    return trials.sorted_results()


@pytest.mark.parametrize("algorithm", ORACLES)
def test_stopped_at_any_moment(algorithm, tmp_path):
    """A resumed search replays its log: its trials are those that the oracle proposes in that order of calls."""
    config = config_of(algorithm, 5 if algorithm == "bayesian" else 14)  # a Bayesian proposal takes a second
    draw = random.Random(1)
    results = run_with_three_workers(config, tmp_path / "a", draw, stops=0.2, deaths=0.1)
    assert [result["trial"] for result in results] == list(range({"grid": 6, "bayesian": 5}.get(algorithm, 14)))
    again = Trials(config, tmp_path / "a", "it")
    assert again.all_finished() and again.sorted_results() == results
    if algorithm in ("random", "grid"):  # whose proposals do not depend on results
        assert results == run_with_one_worker(config, tmp_path / "b")


@pytest.mark.parametrize("algorithm", ORACLES)
def test_an_extended_search_equals_one_of_as_many_trials(algorithm, tmp_path):
    few, many = (2, 4) if algorithm == "bayesian" else (4, 14)
    run_with_one_worker(config_of(algorithm, few), tmp_path / "a")
    whole = run_with_one_worker(config_of(algorithm, many), tmp_path / "b")
    assert run_with_one_worker(config_of(algorithm, many), tmp_path / "a") == whole


def test_an_extended_search_goes_on_with_its_oracle(tmp_path):
    """The Bayesian one plans how many random values it begins with."""
    Trials(config_of("bayesian", 12), tmp_path, "it").acquire("0")
    assert Trials(config_of("bayesian", 99), tmp_path, "it").oracle.num_initial_points == 4
    assert Trials(config_of("bayesian", 99), tmp_path / "new", "it").oracle.num_initial_points == 9


def test_hyperband_waits_for_the_trials_it_continues(tmp_path):
    results = run_with_three_workers(config_of("hyperband", 40), tmp_path, random.Random(2))
    started = [json.loads(file.read_text()) for file in sorted(tmp_path.glob("*/trial.json"))]
    later = [trial for trial in started if trial["past"] is not None]
    assert {trial["epochs"] for trial in later} == {3, 9} and len(results) == 40
    for trial in later:
        parent = started[trial["past"]]
        assert (parent["values"], parent["epochs"]) == (trial["values"], trial["epochs"] // 3)
        reported = [number for t in started[: trial["trial"] + 1] for call, number in t["since"] if call == "tell"]
        assert trial["past"] in reported


def test_a_deleted_result_is_computed_again(tmp_path):
    config = config_of("hyperband")
    results = run_with_three_workers(config, tmp_path, random.Random(3))
    (tmp_path / "0002" / "result.json").unlink()
    trials = Trials(config, tmp_path, "it")
    assert not trials.all_finished()
    lease = trials.acquire("0")
    assert lease.trial["trial"] == 2 and trials.acquire("1") is None
    write_result(trials, lease)
    trials.finish(lease.id)
    assert trials.all_finished() and trials.sorted_results() == results


def test_leases(tmp_path):
    trials = Trials(config_of("random"), tmp_path, "it")
    first = trials.acquire("0")
    second = trials.acquire("1")
    assert trials.heartbeat(first.id) and not trials.heartbeat("0000-1") and not trials.all_finished()
    trials.expire(first.id, "it died")
    again = trials.acquire("2")
    assert again.trial == first.trial and again.id != first.id and not trials.heartbeat(first.id)
    trials.finish(first.id)  # expired
    assert trials.results == {} and trials.heartbeat(again.id) and trials.heartbeat(second.id)


def test_a_missing_result(tmp_path, capsys):
    """As when a worker on another machine has another folder than the chief."""
    trials = Trials(config_of("random"), tmp_path, "it")
    trials.finish(trials.acquire("0").id)
    assert trials.results == {} and trials.waiting == [trials.started[0]]
    assert "trial 0 is run again: its result is not in its folder." in " ".join(capsys.readouterr().err.split())


def test_a_trial_that_workers_die_of(tmp_path, capsys):
    trials = Trials(config_of("random", trials=1), tmp_path, "it")
    for _ in range(MAX_WORKER_DEATHS):
        trials.expire(trials.acquire("0").id, "it died")
    assert trials.all_finished()
    assert trials.results[0]["reason"] == f"{MAX_WORKER_DEATHS} workers died of it: it died"
    assert capsys.readouterr().err.count("trial 0 is run again: it died") == MAX_WORKER_DEATHS - 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trial": 1}', "\0"])
def test_damaged_files(tmp_path, text):
    config = config_of("random", 3)
    results = run_with_one_worker(config, tmp_path)
    (tmp_path / "0001" / "trial.json").write_text(text)
    with pytest.raises(Refusal, match="0001/trial.json is damaged .*; delete its folder and the later ones"):
        Trials(config, tmp_path, "it")
    for number in (1, 2):
        for file in (tmp_path / f"000{number}").iterdir():
            file.unlink()
    assert run_with_one_worker(config, tmp_path) == results
    (tmp_path / "0001" / "trial.json").unlink()
    with pytest.raises(Refusal, match="damaged .it does not belong to trial 1"):
        Trials(config, tmp_path, "it")

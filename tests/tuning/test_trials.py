"""Trials given to several workers, in whatever order these end, die, and a search is stopped and goes on."""

import json
import random

import pytest

from kzoo.checks import Refusal
from kzoo.tuning.oracle import KINDS
from kzoo.tuning.trials import ATTEMPTS, FACTS, Trials
from tests.tuning.small import small

GRID = {"model.units": {"choice": [[4], [6]]}, "data.batch_size": {"int": [4, 12], "step": 4}}


def config_of(algorithm, trials=14):
    space = {"space": GRID} if algorithm == "grid" else {}
    return small("x.npz", algorithm=algorithm, trials=trials, max_epochs=9, **space)


def play(trials, given):
    """Write the result that a trial would have: some figure that depends on all there is, or a failure."""
    trial = given.trial
    number = sum(map(ord, repr(trial["values"]))) * 7919 % 101
    ended = {"status": "failed", "objective": None, "reason": "chance"}
    if number > 15:
        ended = {"status": "completed", "objective": number / 101 + (trial["epochs"] or 0), "reason": None}
    record = {**{what: trial[what] for what in FACTS}, **ended, "parameters": 1, "seconds": 6.0}
    (trials.folder / f"{trial['trial']:04d}" / "result.json").write_text(json.dumps(record))


def alone(config, folder):
    trials = Trials(config, folder, "it")
    while given := trials.give("0"):
        play(trials, given)
        trials.end(given.id)
    assert trials.finished()
    return trials.sorted()


def crowd(config, folder, draw, stops=0.0, deaths=0.0):
    """A search by three workers who end in any order; the whole is stopped, or one of them dies, now and then."""
    trials, running = Trials(config, folder, "it"), []
    while running or not trials.finished():
        if draw.random() < stops:
            trials, running = Trials(config, folder, "it"), []
        elif len(running) < 3 and (given := trials.give(str(len(running)))):
            running.append(given)
        elif running:
            given = running.pop(draw.randrange(len(running)))
            if draw.random() < deaths:
                trials.lose(given.id, "it died")
            else:
                play(trials, given)
                trials.end(given.id)
    return trials.sorted()


@pytest.mark.parametrize("algorithm", KINDS)
def test_stopped_at_any_moment(algorithm, tmp_path):
    """A search goes on to trials that the oracle proposes: the same from the start, asked and told in that order."""
    config = config_of(algorithm, 5 if algorithm == "bayesian" else 14)  # a Bayesian proposal takes a second
    draw = random.Random(1)
    records = crowd(config, tmp_path / "a", draw, stops=0.2, deaths=0.1)
    assert [record["trial"] for record in records] == list(range({"grid": 6, "bayesian": 5}.get(algorithm, 14)))
    again = Trials(config, tmp_path / "a", "it")
    assert again.finished() and again.sorted() == records
    if algorithm in ("random", "grid"):  # which do not listen
        assert records == alone(config, tmp_path / "b")


def test_hyperband_waits_for_those_it_goes_on_with(tmp_path):
    records = crowd(config_of("hyperband", 40), tmp_path, random.Random(2))
    begun = [json.loads(file.read_text()) for file in sorted(tmp_path.glob("*/trial.json"))]
    later = [trial for trial in begun if trial["past"] is not None]
    assert {trial["epochs"] for trial in later} == {3, 9} and len(records) == 40
    for trial in later:
        past = begun[trial["past"]]
        assert (past["values"], past["epochs"]) == (trial["values"], trial["epochs"] // 3)
        told = [number for one in begun[: trial["trial"] + 1] for what, number in one["since"] if what == "tell"]
        assert trial["past"] in told


def test_a_result_that_was_deleted_is_made_again(tmp_path):
    config = config_of("hyperband")
    records = crowd(config, tmp_path, random.Random(3))
    (tmp_path / "0002" / "result.json").unlink()
    trials = Trials(config, tmp_path, "it")
    assert not trials.finished()
    given = trials.give("0")
    assert given.trial["trial"] == 2 and trials.give("1") is None
    play(trials, given)
    trials.end(given.id)
    assert trials.finished() and trials.sorted() == records


def test_who_runs_a_trial(tmp_path):
    trials = Trials(config_of("random"), tmp_path, "it")
    first = trials.give("0")
    second = trials.give("1")
    assert trials.seen(first.id) and not trials.seen("0000-1") and not trials.finished()
    trials.lose(first.id, "it died")
    again = trials.give("2")
    assert again.trial == first.trial and again.id != first.id and not trials.seen(first.id)
    trials.end(first.id)  # not its any more
    assert trials.records == {} and trials.seen(again.id) and trials.seen(second.id)


def test_a_result_that_is_not_there(tmp_path, capsys):
    """As where the folder of another machine is not the chief's."""
    trials = Trials(config_of("random"), tmp_path, "it")
    trials.end(trials.give("0").id)
    assert trials.records == {} and trials.waiting == [trials.begun[0]]
    assert "trial 0 is given out again: its result is not in its folder." in " ".join(capsys.readouterr().err.split())


def test_a_trial_that_workers_die_of(tmp_path, capsys):
    trials = Trials(config_of("random", trials=1), tmp_path, "it")
    for _ in range(ATTEMPTS):
        trials.lose(trials.give("0").id, "it died")
    assert trials.finished()
    assert trials.records[0]["reason"] == f"{ATTEMPTS} workers died of it: it died"
    assert capsys.readouterr().err.count("trial 0 is given out again: it died") == ATTEMPTS - 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"trial": 1}', "\0"])
def test_damaged_files(tmp_path, text):
    config = config_of("random", 3)
    records = alone(config, tmp_path)
    (tmp_path / "0001" / "trial.json").write_text(text)
    with pytest.raises(Refusal, match="0001/trial.json is damaged .*; delete its folder and those after it"):
        Trials(config, tmp_path, "it")
    for number in (1, 2):
        for file in (tmp_path / f"000{number}").iterdir():
            file.unlink()
    assert alone(config, tmp_path) == records
    (tmp_path / "0001" / "trial.json").unlink()
    with pytest.raises(Refusal, match="damaged .it is not that of trial 1"):
        Trials(config, tmp_path, "it")

"""Finished searches that get more trials: what stays, what is trained anew, and what is refused."""

import json

import pytest

from kzoo.checks import Refusal
from kzoo.config.comparison import config_sha256
from kzoo.tuning import search as module
from kzoo.tuning import worker
from kzoo.tuning.search import search
from tests.tuning.small import small


class Stop(BaseException):
    """Simulates a kill within one process."""


@pytest.fixture
def simulated(monkeypatch):
    """Trials with the objectives of a list and runs without training. Returns the list; None there stops the search."""
    objectives = [0.1, 0.9, 0.2]

    def run_trial(config, trial, folder, *_):
        if objectives[trial["trial"]] is None:
            raise Stop
        result = {**trial, "status": "completed", "objective": objectives[trial["trial"]], "reason": None}
        (folder / "result.json").write_text(json.dumps({**result, "parameters": 1, "seconds": 1.0}))
        return result

    def run_seeds(config, folder, name):
        if not (folder / "metrics.json").exists():
            (folder / "model.keras").write_text(f"of {len(objectives)} trials")
            (folder / "state.npz").touch()
            (folder / "metrics.json").write_text(json.dumps({"config_sha256": config_sha256(config)}))
        return json.loads((folder / "metrics.json").read_text())

    monkeypatch.setattr(worker, "run_trial", run_trial)
    monkeypatch.setattr(module.runs, "run_seeds", run_seeds)
    monkeypatch.setattr(module, "check_configs_in_process", lambda *_: None)
    return objectives


def trials_of(folder):
    return [json.loads(file.read_text()) for file in sorted(folder.glob("trials/*/result.json"))]


def test_more_trials(simulated, tmp_path, capsys):
    folder, _ = search(small("x.npz", trials=3), "it", tmp_path)
    (folder / "notes.txt").write_text("mine")
    (folder / "trials" / "0000" / "result.json").touch()
    before = trials_of(folder)
    simulated += [0.3, None]
    with pytest.raises(Stop):  # in the last trial
        search(small("x.npz", trials=5), "it", tmp_path)
    assert trials_of(folder) == before and (folder / "model.keras").read_text() == "of 3 trials"  # still there
    simulated[-1] = 0.4
    search(small("x.npz", trials=5), "it", tmp_path)
    assert "trial 1 is still the best" in capsys.readouterr().err
    assert trials_of(folder)[:3] == before and len(trials_of(folder)) == 5
    assert (folder / "model.keras").read_text() == "of 3 trials" and (folder / "notes.txt").read_text() == "mine"
    simulated.append(0.95)
    search(small("x.npz", trials=6), "it", tmp_path)
    assert (folder / "model.keras").read_text() == "of 6 trials" and not (folder / "trials" / "final").exists()
    assert len((folder / "trials.csv").read_text().splitlines()) == 7
    search(small("x.npz", trials=6), "other", tmp_path)
    assert trials_of(tmp_path / "other") == trials_of(folder)


def test_an_interrupted_search_may_be_resumed_with_more_trials(simulated, tmp_path):
    simulated[2] = None
    with pytest.raises(Stop):
        search(small("x.npz", trials=3), "it", tmp_path)
    simulated[2:] = [0.2, 0.3]
    folder, _ = search(small("x.npz", trials=4), "it", tmp_path)
    assert len(trials_of(folder)) == 4


def test_what_is_refused(simulated, tmp_path):
    folder, _ = search(small("x.npz", trials=3), "it", tmp_path)
    remedy = "choose another --run NAME or --out DIR, or --overwrite it."

    def refusal(**settings):
        with pytest.raises(Refusal) as caught:
            search(small("x.npz", **settings), "it", tmp_path)
        return str(caught.value)

    further = "extend it with --set search.trials=N, N above 3"
    for trials in (2, 3):
        assert refusal(trials=trials) == f"{folder} is a finished search of 3 trials: {further}, {remedy}"
    got = refusal(trials=4, validation=0.3)
    assert got.startswith(f"{folder} is a finished search of another config: search.validation: 0.2 -> 0.3. To extend")
    (folder / "search.yaml").unlink()
    assert refusal(trials=4) == f"{folder} is a finished run: {remedy}"

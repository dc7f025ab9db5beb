"""`kzoo vote`: the command; tests.reports.test_vote.py checks its numbers."""

import json

RESULT = {"examples": 1234, "runs": {"a/seed_0": 0.25, "a/seed_1": 0.5}, "mean": 0.125, "majority": 0.375}


def test_vote(call, misuse, monkeypatch, tmp_path):
    for seed in ("seed_0", "seed_1"):
        (tmp_path / "saved_models" / "a" / seed).mkdir(parents=True)
        (tmp_path / "saved_models" / "a" / seed / "model.keras").touch()
    (tmp_path / "saved_models" / "a" / "metrics.json").touch()
    monkeypatch.setattr("kzoo.reports.vote.vote", lambda runs: RESULT)
    code, out, _ = call("vote", "a")
    assert code == 0 and all(piece in out for piece in ("1,234 test examples", "a/seed_1", "12.5 %", "37.5 %"))
    code, out, _ = call("vote", "a", "--json")
    assert code == 0 and json.loads(out) == RESULT
    assert misuse("vote", "b") == "no finished run at b or saved_models/b: model.keras is missing."

"""`kzoo tune`: the command; tests/tuning has the tests of searches."""

import json

from kzoo.checks import Refusal


def test_tune(call, monkeypatch):
    """Only the command; tests/tuning has the tests of searches."""
    received = []

    def search(*args):
        received.extend(args)
        raise Refusal("enough")

    monkeypatch.setattr("kzoo.tuning.search.search", search)
    code, _, err = call("tune", "mnist1d_cnn", "--out", "o", "--set", "search.trials=5")
    assert (code, err) == (2, "kzoo: enough\n")
    assert received[0].search.trials == 5 and received[1:] == ["mnist1d_cnn_search", "o", False, None]


def test_tune_keeps_results(call, monkeypatch, tmp_path):
    """Trials, plots and results are copied to a folder of the run's name; a worker of another search copies nothing."""
    run = tmp_path / "run"
    run.mkdir()
    for file in ("trials.csv", "trials.png", "settings.png", "search.yaml", "model.keras"):
        (run / file).write_text(file)
    metrics = {"test": {"error": 0.5}, "train": {"error": 0.5}, "published": None, "parameters": 3, "epochs": 2}
    metrics |= {"seconds": 1, "steps_per_second": 1, "export": {"max_difference": None}}
    (run / "metrics.json").write_text(json.dumps(metrics))
    results = [(run, metrics), None]
    monkeypatch.setattr("kzoo.tuning.search.search", lambda *_: results.pop(0))
    code, out, _ = call("tune", "mnist1d_cnn", "--run", "it", "--results", "kept", "--workers", "2")
    assert code == 0 and "test error" in out
    kept = {path.name for path in (tmp_path / "kept" / "it").iterdir()}
    assert kept == {"trials.csv", "trials.png", "settings.png", "search.yaml", "metrics.json"}
    assert call("tune", "mnist1d_cnn", "--run", "other", "--results", "kept") == (0, "", "")
    assert not (tmp_path / "kept" / "other").exists()

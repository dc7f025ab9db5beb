"""`kzoo evaluate`: the command; test_train.py evaluates a run."""


def test_evaluate(call, monkeypatch, tmp_path):
    (tmp_path / "saved_models" / "it").mkdir(parents=True)
    (tmp_path / "saved_models" / "it" / "model.keras").touch()
    monkeypatch.setattr("kzoo.training.evaluation.evaluate_run", lambda run, write: f"{run} {write}")
    assert call("evaluate", "it") == (0, "it False\n", "")
    assert call("evaluate", "it", "--write") == (0, "it True\n", "")

"""`kzoo evaluate`: the command; test_train.py evaluates a run."""


def test_evaluate(call, monkeypatch, tmp_path):
    (tmp_path / "saved_models" / "it").mkdir(parents=True)
    (tmp_path / "saved_models" / "it" / "model.keras").touch()
    monkeypatch.setattr("kzoo.training.evaluation.evaluate_run", lambda run: f"the table of {run}")
    assert call("evaluate", "it") == (0, "the table of it\n", "")

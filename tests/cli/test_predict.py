"""`kzoo predict`: outputs that cannot be written; test_train.py predicts with a run."""

import numpy as np

from kzoo.models.registry import model


def test_predictions_that_cannot_be_written(misuse, monkeypatch, tmp_path):
    model("mnist1d_fc100").save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", np.zeros((2, 40, 1)))
    monkeypatch.setattr("kzoo.training.model_lookup.predict", None)
    words = misuse("predict", "m.keras", "x.npy", "--out", "/dev/null/p.npy")
    assert "predict --out: /dev/null/p.npy cannot be written" in words

"""`kzoo show`."""

from kzoo.models.registry import model


def test_show(call, monkeypatch):
    code, out, _ = call("show", "nielsen_6")
    assert code == 0 and "1,672,570" in out and "fc2_dropout" in out and "dropout" in out and "Nielsen 2015" in out
    assert f"{model('nielsen_6').count_params():,}" in out and "Weights: none trained" in out
    monkeypatch.setattr("kzoo.analysis.catalogue.model_text", lambda *_: 1 / 0)
    assert call("show", "nielsen_6")[:2] == (0, out), "the text was not taken from the cache"
    assert call("show", "nielsen_5")[0] == 1

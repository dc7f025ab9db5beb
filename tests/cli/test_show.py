"""`kzoo show`."""

from pathlib import Path

from kzoo.models.registry import model


def test_show(call, monkeypatch):
    code, out, _ = call("show", "nielsen_6")
    assert code == 0 and "1,672,570" in out and "fc2_dropout" in out and "dropout" in out and "Nielsen 2015" in out
    assert f"{model('nielsen_6').count_params():,}" in out and "Weights: none trained" in out
    monkeypatch.setattr("kzoo.analysis.catalogue.model_text", lambda *_: 1 / 0)
    assert call("show", "nielsen_6")[:2] == (0, out), "the text was not taken from the cache"
    assert call("show", "nielsen_5")[0] == 1


def test_show_a_run(call):
    Path("saved_models/mine").mkdir(parents=True)
    model("mnist1d_cnn", filters=3).save("saved_models/mine/model.keras")
    for name in ("mine", "saved_models/mine", "saved_models/mine/model.keras"):
        code, out, _ = call("show", name)
        assert code == 0 and "stage3" in out and "15" in out and "Weights: those of the file" in out
        assert out.startswith("saved_models/mine/model.keras: a model that Keras saved\n")
    code, _, err = call("show", "mnist1d_cn")
    assert code == 2 and "no model is called 'mnist1d_cn'; did you mean 'mnist1d_cnn'" in err

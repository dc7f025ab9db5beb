"""Names of runs and models to nets, with what is known of them; and predictions by either kind of name."""

import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.onnx import write_onnx
from kzoo.training import model_lookup
from kzoo.training.model_lookup import find_net, predict_files, predictor

DRAW = np.random.default_rng(0)


def test_a_run(finished):
    folder, _ = finished
    found = find_net(folder)
    assert found.what.startswith(f"The run `{folder.name}` of kzoo's, `mnist1d_fc` trained on `")
    assert found.more["examples"].shape == (15, 12, 1) and found.more["targets"].shape == (15,)
    assert found.more["representative"].shape == (36, 12, 1) and found.more["images"] is False
    assert found.net.input_shape == (None, 12, 1)
    assert 0 <= found.figures["test"]["error"] <= 1 and found.figures["epochs"] == 1


def test_a_run_goes_before_a_model(finished, monkeypatch):
    folder, _ = finished
    monkeypatch.setattr(model_lookup, "list_models", lambda: [str(folder)])
    assert find_net(str(folder)).what.startswith("The run ")


def test_a_run_whose_data_is_gone(finished, monkeypatch):
    folder, _ = finished

    def gone(_):
        raise Refusal("gone")

    monkeypatch.setattr(model_lookup, "load_data", gone)
    found = find_net(folder)
    assert found.what.endswith("; its data is not at hand") and found.more == {"labels": None}


def test_a_model_of_the_zoo():
    found = find_net("capsnet")
    assert (
        found.what == "The model `capsnet` of kzoo's zoo, with initial weights"
        and found.more == {}
        and found.figures is None
    )
    assert len(found.net.inputs) == 1  # what answers of it


def test_neither():
    with pytest.raises(Refusal) as caught:
        find_net("mnist1d_cn")
    assert str(caught.value) == (
        "no finished run at mnist1d_cn or saved_models/mnist1d_cn: model.keras is missing and no model is called "
        "'mnist1d_cn'; did you mean 'mnist1d_cnn' or 'mnist1d_fc' or 'mnist1d_local'?"
    )


def test_predictions(finished, tmp_path):
    folder, _ = finished
    x = DRAW.normal(size=(4, 12, 1)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    records = predict_files(folder, [tmp_path / "x.npy"], top=2, out=tmp_path / "p.npy")
    answers = np.load(tmp_path / "p.npy")
    assert answers.shape == (4, 3) and [record["top"][0]["class"] for record in records] == answers.argmax(-1).tolist()
    assert all(len(record["top"]) == 2 for record in records)
    write_onnx(find_net(folder).net, tmp_path / "it.onnx")
    predict_files(tmp_path / "it.onnx", [tmp_path / "x.npy"], out=tmp_path / "q.npy")
    np.testing.assert_allclose(np.load(tmp_path / "q.npy"), answers, atol=1e-6)
    assert predictor(folder).labels is None

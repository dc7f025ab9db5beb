"""The matrix: small variants of models, exports in processes of their own, and runs that are resumed."""

import json
import os
import signal
from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.export import matrix
from kzoo.export.matrix import export_in_process, fingerprint, run_matrix, small_variant
from kzoo.models.registry import list_models


def test_small_variant():
    settings, model = small_variant("alexnet")
    assert settings == {
        "classes": 10,
        "classifier_activation": None,
        "fc_units": (64, 64),
        "input_shape": (39, 39, 3),
    }
    assert model.count_params() < 5_000_000 and model.output_shape == (None, 10)
    assert small_variant("spp_zf5")[0]["input_shape"] == (None, None, 3)
    assert small_variant("mnist1d_cnn")[0]["input_shape"] == (16, 1) and "width" in small_variant("deconvnet")[0]


@pytest.mark.large
@pytest.mark.parametrize("name", list_models())
def test_every_model_has_a_small_variant(name):
    assert small_variant(name)[1].count_params() < 7e7


def test_fingerprint():
    hashes = [fingerprint(small_variant("mnist1d_cnn")[1], "onnx") for _ in range(2)]
    assert hashes[0] == hashes[1] != fingerprint(small_variant("mnist1d_tiled")[1], "onnx")
    assert hashes[0] != fingerprint(small_variant("mnist1d_cnn")[1], "litert")


def _kill(name, settings, format, memory, folder):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.large
def test_a_process_that_is_killed():
    outcome = export_in_process("mnist1d_cnn", {}, "saved_model", target=_kill)
    assert outcome["ok"] is False and outcome["reason"].startswith("its process ended with -9 after ")


def test_export_in_process():
    outcome = export_in_process("mnist1d_fc100", {"input_shape": (16, 1)}, "onnx")
    assert outcome["ok"] and outcome["max_difference"] <= 1e-4 and outcome["tried"] == ["1 x 16 x 1", "7 x 16 x 1"], (
        outcome
    )
    assert 2**27 < outcome["peak"] < 2**33
    outcome = export_in_process("mnist1d_fc100", {}, "onnx", memory=2**30)
    assert outcome["ok"] is False and "memory" in outcome["reason"].lower(), outcome


def test_resumes_and_skips_what_is_unchanged(tmp_path, monkeypatch):
    calls = []

    def fake_outcome(name, settings, format, memory):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append((name, format))
        return {"ok": len(calls) != 2, "reason": "why", "max_difference": 1e-7}

    monkeypatch.setattr(matrix, "export_in_process", fake_outcome)
    with pytest.raises(KeyboardInterrupt):
        run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert len(json.loads((tmp_path / "r.json").read_text())) == 2
    calls.pop()
    found = run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert calls == [("mnist1d_fc", "saved_model"), ("mnist1d_fc", "onnx"), ("mnist1d_fc100", "onnx")]
    assert found == json.loads((tmp_path / "r.json").read_text()) and not found["mnist1d_fc"]["onnx"]["ok"]
    recorded = json.loads((tmp_path / "r.json").read_text())
    recorded["mnist1d_fc"]["onnx"]["hash"] = "of an earlier model"
    (tmp_path / "r.json").write_text(json.dumps(recorded))
    calls.clear()
    run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert calls == [("mnist1d_fc", "onnx")]
    with pytest.raises(Refusal, match="no format"):
        run_matrix(tmp_path / "r.json", "*", ["onx"])
    assert [path.name for path in Path(tmp_path).iterdir()] == ["r.json"]

"""The matrix: small variants of every model, cells in processes of their own, results that are gone on with."""

import json
import os
import signal
from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.export import matrix
from kzoo.export.matrix import fingerprint, run_matrix, small, try_cell
from kzoo.models.registry import list_models


def test_small():
    settings, net = small("alexnet")
    assert settings == {
        "classes": 10,
        "classifier_activation": None,
        "fc_units": (64, 64),
        "input_shape": (39, 39, 3),
    }
    assert net.count_params() < 5_000_000 and net.output_shape == (None, 10)
    assert small("spp_zf5")[0]["input_shape"] == (None, None, 3)
    assert small("mnist1d_cnn")[0]["input_shape"] == (16, 1) and "width" in small("deconvnet")[0]


@pytest.mark.large
@pytest.mark.parametrize("name", list_models())
def test_every_model_has_a_small_form(name):
    assert small(name)[1].count_params() < 7e7


def test_fingerprint():
    marks = [fingerprint(small("mnist1d_cnn")[1]) for _ in range(2)]
    assert marks[0] == marks[1] != fingerprint(small("mnist1d_tiled")[1])


def _ends(name, settings, format, memory, folder):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cell_that_dies_is_a_reason():
    cell = try_cell("mnist1d_cnn", {}, "saved_model", work=_ends)
    assert cell["ok"] is False and cell["reason"].startswith("its process ended with -9 after ")


def test_a_cell():
    cell = try_cell("mnist1d_fc100", {"input_shape": (16, 1)}, "onnx")
    assert cell["ok"] and cell["max_difference"] <= 1e-4 and cell["tried"] == ["1 x 16 x 1", "7 x 16 x 1"], cell
    assert 2**27 < cell["peak"] < 2**33
    cell = try_cell("mnist1d_fc100", {}, "onnx", memory=2**30)
    assert cell["ok"] is False and "memory" in cell["reason"].lower(), cell


def test_goes_on_and_keeps_what_it_knows(tmp_path, monkeypatch):
    tried = []

    def cell(name, settings, format, memory):
        if len(tried) == 3:
            raise KeyboardInterrupt
        tried.append((name, format))
        return {"ok": len(tried) != 2, "reason": "why", "max_difference": 1e-7}

    monkeypatch.setattr(matrix, "try_cell", cell)
    with pytest.raises(KeyboardInterrupt):
        run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert len(json.loads((tmp_path / "r.json").read_text())) == 2
    tried.pop()
    found = run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert tried == [("mnist1d_fc", "saved_model"), ("mnist1d_fc", "onnx"), ("mnist1d_fc100", "onnx")]
    assert found == json.loads((tmp_path / "r.json").read_text()) and not found["mnist1d_fc"]["onnx"]["ok"]
    known = json.loads((tmp_path / "r.json").read_text())
    known["mnist1d_fc"]["onnx"]["hash"] = "of an older net"
    (tmp_path / "r.json").write_text(json.dumps(known))
    tried.clear()
    run_matrix(tmp_path / "r.json", "mnist1d_f*", ["saved_model", "onnx"])
    assert tried == [("mnist1d_fc", "onnx")]
    with pytest.raises(Refusal, match="no format"):
        run_matrix(tmp_path / "r.json", "*", ["onx"])
    assert [path.name for path in Path(tmp_path).iterdir()] == ["r.json"]

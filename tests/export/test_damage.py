"""Damaged exports: found by the SHA-256 in their record, or by a first run in another process."""

import json
import shutil
import types

import pytest

from kzoo.checks import Refusal
from kzoo.export import isolated_process
from kzoo.export.damage import refuse_damaged, sha256_of
from kzoo.export.export_folder import write_export_folder
from kzoo.export.predictor import open_export
from kzoo.export.registry import FORMATS, format_at


@pytest.fixture(scope="module")
def exported(small_model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage") / "export"
    write_export_folder(small_model, folder, ["litert", "saved_model"], {"title": "small"}, examples=images)
    return folder


@pytest.mark.parametrize("file", ["model.tflite", "saved_model/saved_model.pb", "saved_model/variables/new"])
def test_a_changed_file_is_refused(exported, tmp_path, file):
    folder = shutil.copytree(exported, tmp_path / "export")
    changed = folder / file
    changed.write_bytes(changed.read_bytes()[:-1] + b"\xff" if changed.exists() else b"")
    export = folder / file.partition("/")[0]
    message = f"predict: {export} is not what was exported: its SHA-256 differs from the one in export.json."
    with pytest.raises(Refusal) as caught:
        open_export(export)
    assert str(caught.value) == message


def test_records_without_a_sha256_still_open(exported, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "export")
    record = json.loads((folder / "export.json").read_text())
    assert record["exports"][0].pop("sha256") == sha256_of(folder / "model.tflite")
    (folder / "export.json").write_text(json.dumps(record))
    assert open_export(folder).shape == (8, 8, 1)


def test_a_runtime_that_crashes(exported, tmp_path, monkeypatch):
    path = shutil.copy(exported / "model.tflite", tmp_path)
    refuse_damaged(path, FORMATS["litert"])  # runs on zeros
    ended = types.SimpleNamespace(returncode=-11, stderr="")
    monkeypatch.setattr(isolated_process.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(Refusal, match=r"ai_edge_litert crashed on .*: it was ended by SIGSEGV. The file may be"):
        open_export(path)
    open_export(exported / "model.tflite")  # its SHA-256 is enough


def test_a_file_that_cannot_be_opened_has_not_crashed(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    refuse_damaged(path, format_at(path))
    with pytest.raises(Refusal, match="cannot be opened"):
        open_export(path)


def test_sha256_of_a_folder_holds_names_and_contents(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_text("1")
    found = [sha256_of(tmp_path)]
    (tmp_path / "deep" / "a").rename(tmp_path / "deep" / "b")
    found.append(sha256_of(tmp_path))
    (tmp_path / "deep" / "b").write_text("2")
    found.append(sha256_of(tmp_path))
    assert len(set(found)) == 3

"""A folder with every format: its files, its record, its card whose Python runs; and folders that are refused."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from kzoo.checks import Refusal
from kzoo.export import export_folder
from kzoo.export.export_folder import describe, export_all, table
from kzoo.export.formats import FORMATS
from kzoo.models.registry import model
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def exported(net, images, tmp_path_factory):
    """The folder and the reports."""
    folder, told = tmp_path_factory.mktemp("exports") / "small", []
    targets = np.arange(20) % 3
    more = {"examples": images, "targets": targets, "labels": LABELS}
    reports = export_all(net, folder, FORMATS, "A net", say=told.append, **more)
    assert told == [f"{found.label}: writing and checking" for found in FORMATS.values()]
    return folder, reports


def test_files(exported):
    folder, reports = exported
    assert {path.name for path in folder.iterdir()} == {
        *(found.file for found in FORMATS.values()),
        *("README.md", "export.json", "labels.txt", "examples.npy"),
    }
    assert [path.name for path in folder.parent.iterdir()] == ["small"]
    assert (folder / "labels.txt").read_text().splitlines() == list(LABELS)
    record = json.loads((folder / "export.json").read_text())
    assert np.load(folder / "examples.npy").dtype == "uint8" and record["examples"] == 8
    assert record["exports"] == reports and record["classes"] == 3 and record["inputs"] == {"input": [None, 8, 8, 1]}


def test_table(exported):
    console = Console(file=io.StringIO(), width=160)
    console.print(table("here", exported[1]))
    text = console.file.getvalue()
    assert all(found.label in text and found.file in text for found in FORMATS.values()) and "; right " in text


@pytest.mark.parametrize("format", FORMATS)
def test_the_cards_lines_run(exported, format):
    """In a process that has the format's runtime alone."""
    folder, _ = exported
    card = (folder / "README.md").read_text()
    section = card.split(f"## {FORMATS[format].label}\n")[1].split("\n## ")[0]
    assert f"`pip install {FORMATS[format].runtime.replace('_', '-')}`" in section
    code = re.search(r"```python\n(.*?)```", section, flags=re.S)[1]
    assert len(code.strip().splitlines()) <= 13
    others = {found.runtime for found in FORMATS.values()} - {FORMATS[format].runtime} | {"kzoo", "keras"}
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(others)}))\n{code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    said = [line.rpartition(" ") for line in done.stdout.strip().splitlines()]
    answers = json.loads((folder / "export.json").read_text())["answers"]
    assert len(said) == 3 * len(answers) == 24
    for place, answer in enumerate(answers):
        best = {name: float(value) for name, _, value in said[3 * place : 3 * place + 3]}
        assert best == pytest.approx(dict(zip(LABELS, answer)), abs=0.1 if "int8" in format else 1e-4)


def test_folders_that_are_refused(net, exported, tmp_path):
    folder, _ = exported
    with pytest.raises(Refusal, match="small is an export already: choose another folder, or --overwrite it.$"):
        export_all(net, folder, ["onnx"], "A net")
    (tmp_path / "mine").mkdir()
    with pytest.raises(Refusal, match="mine is no export of kzoo, so nothing is written there"):
        export_all(net, tmp_path / "mine", ["onnx"], "A net", overwrite=True)
    for formats, words in {("onx",): "no format 'onx'", (): "at least one format of saved_model, onnx"}.items():
        with pytest.raises(Refusal, match=words):
            export_all(net, tmp_path / "new", formats, "A net")
    with pytest.raises(Refusal, match="format saved_model for serving"):
        export_all(net, tmp_path / "new", ["onnx"], "A net", serving=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def fake(net, path, format, **_):
    """A stand-in for `write`: a folder."""
    path.mkdir()
    return {"format": format, "file": path.name, "bytes": 0, "tried": ["1 x 8"], "max_difference": 0.0, "seconds": 0.1}


def test_serving_counts_versions(net, tmp_path, monkeypatch):
    monkeypatch.setattr(export_folder, "write", fake)
    for version in (1, 2, 3):
        export_all(net, tmp_path / "it", ["saved_model"], "A net", overwrite=version > 1, serving=True)
        assert {path.name for path in (tmp_path / "it").iterdir()} == {str(version), "README.md", "export.json"}


def test_one_that_fails_leaves_the_old_folder(net, tmp_path, monkeypatch):
    monkeypatch.setattr(export_folder, "write", fake)
    export_all(net, tmp_path / "it", ["saved_model"], "The old one")

    def fails(net, path, format, **more):
        if format == "onnx":
            raise Refusal("no")
        return fake(net, path, format)

    monkeypatch.setattr(export_folder, "write", fails)
    with pytest.raises(Refusal, match="^no$"):
        export_all(net, tmp_path / "it", ["litert", "onnx"], "The new one", overwrite=True)
    assert "The old one" in (tmp_path / "it" / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_describe(net):
    assert describe(net, "A net", LABELS)["outputs"] == "probabilities of 3 classes" and describe(net, "")["images"]
    scores = describe(model("kmeans_features", filters=4), "")
    assert scores["outputs"] == "10 scores, one a class" and scores["labels"] is None
    assert describe(model("context_basic"), "")["classes"] is None

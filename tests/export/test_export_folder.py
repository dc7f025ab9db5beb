"""A folder with every format: its files, its record, the Python on its card; and folders that are refused."""

import io
import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from rich.console import Console

from kzoo.checks import Refusal
from kzoo.export import export_folder
from kzoo.export.export_folder import difference_notes, export_table, write_export_folder
from kzoo.export.exporter import export
from kzoo.export.predictor import open_export
from kzoo.export.registry import FORMATS
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def exported(small_model, images, tmp_path_factory):
    """The folder and the reports."""
    folder, messages = tmp_path_factory.mktemp("exports") / "small", []
    targets = np.arange(20) % 3
    more = {"examples": images, "targets": targets, "labels": LABELS}
    reports = write_export_folder(small_model, folder, FORMATS, "A model", say=messages.append, **more)
    assert messages == [f"{found.label}: writing and verifying" for found in FORMATS.values()]
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
    console.print(export_table("here", exported[1]))
    text = console.file.getvalue()
    assert all(found.label in text and found.file in text for found in FORMATS.values()) and "; accuracy " in text
    (note,) = difference_notes(exported[1])
    assert note.startswith("LiteRT int8: The largest difference is ") and " of 20 examples." in note


@pytest.mark.parametrize("format", FORMATS)
def test_code_on_the_card_runs(exported, format):
    """In a process that can import only the format's runtime."""
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
    printed = [line.rpartition(" ") for line in done.stdout.strip().splitlines()]
    outputs = json.loads((folder / "export.json").read_text())["answers"]
    assert len(printed) == 3 * len(outputs) == 24
    for index, output in enumerate(outputs):
        best = {name: float(value) for name, _, value in printed[3 * index : 3 * index + 3]}
        assert best == pytest.approx(dict(zip(LABELS, output)), abs=0.1 if "int8" in format else 1e-4)


def test_folders_that_are_refused(small_model, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(Refusal, match="mine is not an export of kzoo, so nothing is written there"):
        write_export_folder(small_model, tmp_path / "mine", ["onnx"], "A model", overwrite=True)
    for formats, words in {("onx",): "no format 'onx'", (): "at least one format of saved_model, onnx"}.items():
        with pytest.raises(Refusal, match=words):
            write_export_folder(small_model, tmp_path / "new", formats, "A model")
    with pytest.raises(Refusal, match="format saved_model for serving"):
        write_export_folder(small_model, tmp_path / "new", ["onnx"], "A model", serving=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_fixed_batch_size(small_model, images, tmp_path):
    """The examples are one batch, which the code on the card can run."""
    write_export_folder(small_model, tmp_path / "it", ["onnx"], "A model", batch_size=12, examples=images[:10])
    record, saved = json.loads((tmp_path / "it" / "export.json").read_text()), np.load(tmp_path / "it" / "examples.npy")
    assert record["batch_size"] == 12 == record["examples"] and record["exports"][0]["inputs"]["input"][0] == 12
    np.testing.assert_array_equal(saved, images[[*range(10), 0, 1]])
    assert "batches of exactly 12 examples:" in (tmp_path / "it" / "README.md").read_text()


def test_examples_of_another_size_are_left_out(images, tmp_path):
    x, messages = keras.Input((None, None, 1)), []
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(x))
    more = {"say": messages.append, "examples": images, "targets": np.zeros(20), "representative": images}
    (report,) = write_export_folder(model, tmp_path / "it", ["onnx"], "A model", size=[4, 5], **more)
    assert report["tried"] == ["1 x 4 x 5 x 1", "7 x 4 x 5 x 1"]
    assert messages[0].endswith("of another size: (8, 8, 1), not (4, 5, 1)")
    (report,) = write_export_folder(model, tmp_path / "it", ["onnx"], "A", size=(8, 8), overwrite=True, **more)
    assert report["tried"][-1] == "20 x 8 x 8 x 1"


def test_integers(small_model, images, tmp_path):
    """The code on the card quantizes; `predict` does so itself, and NaN is refused."""
    folder = tmp_path / "it"
    write_export_folder(small_model, folder, ["litert_int8"], "A model", examples=images, integer=True, overwrite=True)
    report = json.loads((folder / "export.json").read_text())["exports"][0]
    scale = report["quantization"]["inputs"]["input"]["scale"]
    card = (folder / "README.md").read_text()
    assert f"`input` has scale {scale} and zero point -128" in card
    code = re.search(r"```python\n(.*?)```", card, flags=re.S)[1].replace("print(index, row[index])", "pass")
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(outputs.tolist())"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    outputs = np.array(json.loads(done.stdout))
    np.testing.assert_allclose(outputs, small_model(images[:8]), atol=0.05)
    predictor = open_export(folder)
    np.testing.assert_allclose(predictor.run(images[:8]), outputs, atol=1e-6)
    with pytest.raises(Refusal, match="cannot be run: its inputs are integers, and NaN is none$"):
        predictor.run(np.full((1, 8, 8, 1), np.nan, "float32"))
    with pytest.raises(Refusal, match="^export expects format litert_int8 for integers; received formats=\\['onnx'\\]"):
        write_export_folder(small_model, tmp_path / "new", ["onnx"], "A model", integer=True)
    with pytest.raises(Refusal, match="^export to litert expects integer=False"):
        export(small_model, tmp_path / "it.tflite", "litert", integer=True)


def fake(model, path, format, **_):
    """Stands in for `write_and_verify`: makes a folder."""
    path.mkdir()
    (path / "of").write_text(format.name)
    report = {"format": format.name, "file": path.name, "bytes": 0, "tried": ["1 x 8"], "max_difference": 0.0}
    return {**report, "seconds": 0.1}


def test_serving_counts_versions(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(export_folder, "write_and_verify", fake)
    for version in (1, 2, 3):
        write_export_folder(
            small_model, tmp_path / "it", ["saved_model"], "A model", overwrite=version > 1, serving=True
        )
        assert {path.name for path in (tmp_path / "it").iterdir()} == {str(version), "README.md", "export.json"}


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_formats_are_added(small_model, images, tmp_path, monkeypatch):
    """The others stay as they are; the card and the record have all; one that is named again is replaced."""
    monkeypatch.setattr(export_folder, "write_and_verify", fake)
    folder, data = tmp_path / "it", {"examples": images, "labels": LABELS}
    write_export_folder(small_model, folder, ["litert", "onnx"], "A model", **data)
    (folder / "notes.txt").write_text("mine")
    (folder / "model.onnx" / "old").touch()
    before = files(folder)
    reports = write_export_folder(
        small_model, folder, ["saved_model", "onnx"], "A model", {"epochs": 1}
    )  # without data
    after = files(folder)
    assert [report["format"] for report in reports] == ["litert", "onnx", "saved_model"]
    for name in ("model.tflite/of", "notes.txt", "examples.npy", "labels.txt", "model.onnx/of"):
        assert after[name] == before[name], name
    assert "model.onnx/old" not in after and "saved_model/of" in after
    record = json.loads(after["export.json"])
    assert record["exports"] == reports and record["figures"] == {"epochs": 1}
    assert record["examples"] == 8 and record["answers"] == json.loads(before["export.json"])["answers"]
    assert all(f"| {FORMATS[report['format']].label} |" in (folder / "README.md").read_text() for report in reports)
    write_export_folder(small_model, folder, ["onnx"], "A model", overwrite=True)
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "README.md", "export.json"}


def test_earlier_exports_that_are_not_added_to(small_model, tmp_path, monkeypatch):
    """Of another model, damaged, or without a hash of the weights; nothing changes."""
    monkeypatch.setattr(export_folder, "write_and_verify", fake)
    folder, other = tmp_path / "it", keras.models.clone_model(small_model)  # with new weights
    write_export_folder(small_model, folder, ["litert"], "A model")
    record = json.loads((folder / "export.json").read_text())
    before = files(folder)

    def refusal(model=small_model, **settings):
        with pytest.raises(Refusal) as caught:
            write_export_folder(model, folder, ["onnx"], "A model", **settings)
        return str(caught.value)

    remedy = "choose another folder, or --overwrite it."
    assert refusal(other) == f"{folder} is an export of another model, with other weights: {remedy}"
    assert "another model, with inputs of {'input': [None, 8, 8, 1]}: " in refusal(batch_size=3)
    assert files(folder) == before and [path.name for path in tmp_path.iterdir()] == ["it"]
    for changes, words in {
        '{"weights_sha256": null}': "with other weights",
        '{"exports": [{"format": "litert", "file": "../x"}]}': "damaged (exports.0.bytes: field required)",
        '{"inputs": 3}': "export.json is damaged",
    }.items():
        (folder / "export.json").write_text(json.dumps({**record, **json.loads(changes)}))
        assert words in refusal()
    for file in ("../it", "/etc/passwd", "none"):
        record["exports"][0]["file"] = file
        (folder / "export.json").write_text(json.dumps(record))
        assert "is not what was exported" in refusal()
    (folder / "export.json").write_bytes(before["export.json"])
    (folder / "model.tflite" / "of").write_text("changed")
    assert refusal() == f"{folder / 'model.tflite'} is not what was exported: {remedy}"


def test_a_model_that_is_not_trained(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(export_folder, "write_and_verify", fake)
    for trained, marked in ((False, True), (True, False), (None, False)):
        write_export_folder(small_model, tmp_path / "it", ["onnx"], "A model", trained=trained, overwrite=True)
        assert ("**NOT TRAINED: " in (tmp_path / "it" / "README.md").read_text()) is marked
        assert json.loads((tmp_path / "it" / "export.json").read_text())["trained"] is trained


def test_several_inputs_and_outputs(tmp_path):
    """Verified on examples of both; the card has no code, and no examples are saved."""
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], [keras.layers.Dense(1, name="y")(a), keras.layers.Dense(2, name="z")(b)])
    examples = {"a": np.ones((4, 2), "float32"), "b": np.ones((4, 3), "float32")}
    (report,) = write_export_folder(model, tmp_path / "it", ["onnx"], "A model", examples=examples)
    assert report["tried"] == ["1 x 2", "7 x 2", "4 x 2"] and report["outputs"] == ["y", "z"]
    assert "```" not in (tmp_path / "it" / "README.md").read_text()
    assert json.loads((tmp_path / "it" / "export.json").read_text())["examples"] == 0


def test_one_that_fails_leaves_the_old_folder(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(export_folder, "write_and_verify", fake)
    write_export_folder(small_model, tmp_path / "it", ["saved_model"], "The old one")

    def fails(model, path, format, **data):
        if format.name == "onnx":
            raise Refusal("no")
        return fake(model, path, format)

    monkeypatch.setattr(export_folder, "write_and_verify", fails)
    with pytest.raises(Refusal, match="^no$"):
        write_export_folder(small_model, tmp_path / "it", ["litert", "onnx"], "The new one", overwrite=True)
    assert "The old one" in (tmp_path / "it" / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["it"]

"""Exported models as functions: opened by their runtimes, by files and folders; damaged and hostile ones."""

import json

import keras
import numpy as np
import pytest

from kzoo.checks import Refusal
from kzoo.export.predictor import is_export, labels_of, open_export
from kzoo.export.registry import FORMATS
from tests.export.conftest import LABELS


@pytest.fixture(scope="module")
def exports(small_model, tmp_path_factory):
    """A folder of exported models without a record."""
    folder = tmp_path_factory.mktemp("exports")
    for format, file in {"saved_model": "saved_model", "onnx": "it.onnx", "litert": "it.tflite"}.items():
        FORMATS[format].write(small_model, folder / file, labels=LABELS)
    return folder


@pytest.mark.parametrize("name", ["saved_model", "it.onnx", "it.tflite"])
def test_open_export(small_model, images, exports, name):
    found = open_export(exports / name)
    assert found.shape == (8, 8, 1) and found.labels == (list(LABELS) if name == "saved_model" else None)
    np.testing.assert_allclose(found.run(images[:3]), small_model.predict(images[:3], verbose=0), atol=1e-5)


def test_images_are_resized_as_the_record_says(exports):
    for record, resize in (({}, "stretch"), ({"resize": "crop"}, "crop"), ({"resize": 256}, 256)):
        (exports / "export.json").write_text(json.dumps({"exports": [{"file": "it.onnx", "format": "onnx"}], **record}))
        try:
            assert open_export(exports).resize == open_export(exports / "it.onnx").resize == resize
        finally:
            (exports / "export.json").unlink()


def test_by_a_folder(exports):
    (exports / "export.json").write_text(json.dumps({"exports": [{"file": "it.onnx", "format": "onnx"}]}))
    (exports / "labels.txt").write_text("x\ny\nz\n")
    try:
        assert is_export(exports) and open_export(exports).labels == ["x", "y", "z"]
    finally:
        (exports / "export.json").unlink()
        (exports / "labels.txt").unlink()
    assert not is_export(exports) and not is_export(exports / "none.onnx") and is_export(exports / "it.onnx")


OUTSIDE = "expects files in its own folder; received file="


@pytest.mark.parametrize(
    "record, words",
    [
        ("", "export.json is damaged (Expecting value"),
        ("[" * 100_000, "export.json is damaged (maximum recursion depth"),
        ("\udcff", "export.json is damaged ('utf-8' codec"),
        ("[]", "export.json is damaged (it is no JSON object); export the model again."),
        ("{}", "export.json is damaged (exports: field required); export the model again."),
        ('{"exports": []}', "export.json is damaged (exports: list should have at least 1 item"),
        ('{"exports": {}}', "export.json is damaged (exports: input should be a valid list"),
        ('{"exports": [{"file": 5, "format": "onnx"}]}', "export.json is damaged (exports.0.file: input should be"),
        ('{"exports": [{"file": "a"}]}', "export.json is damaged (exports.0.format: field required"),
        ('{"exports": [{"file": "it.onnx", "format": "onx"}]}', "export: no format 'onx'; did you mean 'onnx'?"),
        ('{"exports": [{"file": "none.onnx", "format": "onnx"}]}', "predict: no exported model at "),
        (
            '{"exports": [{"file": "{tmp}/it.onnx", "format": "onnx"}]}',
            "expects files in its own folder; received file=",
        ),
        ('{"exports": [{"file": "../it.onnx", "format": "onnx"}]}', OUTSIDE),
        ('{"exports": [{"file": "link.onnx", "format": "onnx"}]}', OUTSIDE),
        ('{"exports": [{"file": ".", "format": "onnx"}]}', "expects files in its own folder; received file='.'."),
    ],
    ids=range(15),
)
def test_damaged_and_hostile_records(exports, tmp_path, record, words):
    (tmp_path / "it.onnx").write_bytes((exports / "it.onnx").read_bytes())
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "link.onnx").symlink_to(tmp_path / "it.onnx")
    text = record.replace("{tmp}", str(tmp_path))
    (tmp_path / "export" / "export.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(Refusal) as caught:
        open_export(tmp_path / "export")
    assert words in str(caught.value)


def test_labels(exports, tmp_path):
    assert labels_of(exports / "saved_model") == list(LABELS) and labels_of(tmp_path) is None
    (tmp_path / "it.onnx").write_bytes((exports / "it.onnx").read_bytes())
    (tmp_path / "labels.txt").write_bytes(b"a\n\xff\nc\n")
    with pytest.raises(Refusal, match=r"^predict: .*labels.txt is not UTF-8 text\.$"):
        open_export(tmp_path / "it.onnx")


def test_models_that_cannot_be_opened(tmp_path):
    for name in ("bad.onnx", "bad.tflite"):
        (tmp_path / name).write_bytes(b"junk")
        with pytest.raises(Refusal, match=f"^predict: .*{name} cannot be opened: ") as caught:
            open_export(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(Refusal, match="^predict: no exported model at .*none"):
        open_export(tmp_path / "none")


def test_models_that_cannot_be_run(exports, monkeypatch):
    """As a damaged file that its runtime opens."""
    format, path = FORMATS["saved_model"], exports / "saved_model"
    shapes, _ = format.open(path)

    def fail(inputs):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(type(format), "open", lambda self, path: (shapes, fail))
    with pytest.raises(Refusal, match="^predict: .*saved_model cannot be run: two lines$"):
        open_export(path).run(np.zeros((1, 8, 8, 1), "float32"))


def test_models_of_several_inputs_are_refused(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    FORMATS["onnx"].write(keras.Model([a, b], keras.layers.Add()([a, b])), tmp_path / "it.onnx")
    with pytest.raises(Refusal, match="^predict expects a model of one input; received inputs='a, b'.$"):
        open_export(tmp_path / "it.onnx")

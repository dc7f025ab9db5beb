"""The public function: its report, its refusals, and that nothing wrong ever replaces an older export."""

import json
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo import layers
from kzoo.checks import Refusal
from kzoo.export import export as public
from kzoo.export import exporter
from kzoo.export.exporter import export
from kzoo.export.predictor import open_export
from kzoo.export.registry import FORMATS
from kzoo.models.registry import model
from kzoo.processes import forkserver
from tests.export.conftest import LABELS


@pytest.fixture
def in_process(monkeypatch):
    """Replaces the isolated process by this one, where a new one would show nothing more."""

    def run_isolated(path, batches, format):
        _, run = format.open(path)
        return [run(batch.inputs, batch.signature)[: len(batch.expected)] for batch in batches]

    monkeypatch.setattr(exporter, "run_isolated", run_isolated)
    return run_isolated


def test_saved_model_in_an_isolated_process(small_model, images, tmp_path):
    report = export(small_model, tmp_path / "it", examples=images, labels=LABELS)
    assert report["format"] == "saved_model" and report["file"] == "it" and 0 <= report["max_difference"] <= 1e-5
    assert report["tried"] == ["1 x 8 x 8 x 1", "7 x 8 x 8 x 1", "20 x 8 x 8 x 1"]
    assert report["signatures"] == ["serving_default", "features", "serve_pixels", "serve_image"]
    assert report["bytes"] == sum(f.stat().st_size for f in (tmp_path / "it").rglob("*") if f.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["it"] and json.loads(json.dumps(report)) == report
    assert public is export


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "saved_model"])
def test_other_formats_in_an_isolated_process(small_model, images, tmp_path, format):
    report = export(small_model, tmp_path / FORMATS[format].file, format, examples=images)
    tolerance = FORMATS[format].tolerance or 0.2
    assert 0 <= report["max_difference"] <= tolerance and report["bytes"] > 1000 and "signatures" not in report


def test_int8_reports_the_accuracy(small_model, images, tmp_path, in_process):
    targets = small_model.predict(images, verbose=0).argmax(-1)
    targets[:5] = (targets[:5] + 1) % 3
    report = export(small_model, tmp_path / "it.tflite", "litert_int8", examples=images, targets=targets)
    assert report["accuracy"]["before"] == 0.75 and 0.5 <= report["accuracy"]["after"] <= 1
    assert 1e-6 < report["max_difference"] < 0.2


def test_mixed_precision(tmp_path, in_process):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = model("mnist1d_fc100")
    finally:
        keras.config.set_dtype_policy(before)
    assert export(half, tmp_path / "it")["max_difference"] <= 0.02
    assert export(half, tmp_path / "it.onnx", "onnx")["max_difference"] <= 1e-5  # float32 against float32


def test_grouped_and_random_layers_of_keras(tmp_path, in_process):
    x = keras.Input((8, 8, 4))
    y = keras.layers.RandomFlip()(keras.layers.Conv2D(4, 3, groups=2)(x))
    model = keras.Model(x, keras.layers.Flatten()(y))
    for format, file in {"saved_model": "it", "onnx": "it.onnx", "litert": "it.tflite"}.items():
        assert export(model, tmp_path / file, format)["max_difference"] <= 1e-5


def test_open_sizes(tmp_path, in_process):
    x = keras.Input((None, None, 3))
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(x)))
    for format, file in {"saved_model": "it", "onnx": "it.onnx"}.items():
        assert export(model, tmp_path / file, format)["tried"] == [
            *("1 x 32 x 32 x 3", "7 x 32 x 32 x 3"),
            *("1 x 37 x 41 x 3", "7 x 37 x 41 x 3"),
        ]


@pytest.mark.parametrize("format", FORMATS)
def test_a_fixed_batch_size(small_model, images, tmp_path, in_process, format):
    """Ten examples are no multiple of four; no example that fills the last batch counts."""
    path, targets = tmp_path / FORMATS[format].file, small_model.predict(images[:10], verbose=0).argmax(-1)
    targets[8:] = (targets[8:] + 1) % 3
    report = export(small_model, path, format, batch_size=4, examples=images[:10], targets=targets)
    assert report["tried"] == ["4 x 8 x 8 x 1"] and report["inputs"] == {"input": [4, 8, 8, 1]}
    assert report.get("accuracy", {"before": 0.8})["before"] == 0.8
    shapes, _ = FORMATS[format].open(path)
    assert list(shapes.values()) == [(4, 8, 8, 1)]
    predictor = open_export(path)
    assert predictor.shape == (8, 8, 1)
    for count in (1, 4, 10):
        outputs = predictor.run(images[:count])
        np.testing.assert_allclose(outputs, small_model(images[:count]), atol=0.05 if "int8" in format else 1e-5)


def test_what_the_refusal_of_an_unknown_size_says_to_do(tmp_path, in_process):
    x = keras.Input((None, None, 1), name="image")
    model = keras.Model(x, layers.DeformableConv2D(2, 3)(x), name="it")
    with pytest.raises(Refusal, match=r"give a fixed one by --size H,W, by size=\(H,W\) in Python"):
        export(model, tmp_path / "it.tflite", "litert")
    report = export(model, tmp_path / "it.tflite", "litert", size=(9, 12))
    assert report["inputs"] == {"image": [None, 9, 12, 1]} and report["tried"] == ["1 x 9 x 12 x 1", "7 x 9 x 12 x 1"]


def test_a_wrong_model_is_refused_and_the_old_one_stays(small_model, tmp_path, in_process, monkeypatch):
    """Outputs that differ by a little more than rounding."""
    for format, file in {"saved_model": "it", "onnx": "it.onnx"}.items():
        export(small_model, tmp_path / file, format)
        before = stamp(tmp_path / file)
        real = exporter.run_isolated

        def changed(*args, real=real):
            return [[y * (1 + 1e-3) for y in outputs] for outputs in real(*args)]

        monkeypatch.setattr(exporter, "run_isolated", changed)
        with pytest.raises(
            Refusal, match=r"^export: the outputs of the \w+ of small differ from the model's by 1.0e-03 of the"
        ):
            export(small_model, tmp_path / file, format)
        monkeypatch.setattr(exporter, "run_isolated", real)
        assert stamp(tmp_path / file) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it", "it.onnx"]


def stamp(path):
    """Returns names, inodes and times of the files at a path."""
    return sorted((str(file), file.stat().st_ino, file.stat().st_mtime_ns) for file in (path, *path.rglob("*")))


def test_nan_is_refused(small_model, tmp_path, monkeypatch):
    wrong = lambda path, batches, format: [[np.full_like(y, np.nan) for y in b.expected] for b in batches]  # noqa: E731
    monkeypatch.setattr(exporter, "run_isolated", wrong)
    for format, file in {"saved_model": "it", "litert_int8": "it.tflite"}.items():
        with pytest.raises(Refusal, match="differ from the model's by nan"):
            export(small_model, tmp_path / file, format, examples=np.zeros((3, 8, 8, 1), "float32"))
    assert list(tmp_path.iterdir()) == []


def test_paths_that_are_refused(small_model, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    for path, format, words in [
        ("it.pb", "onnx", "export expects a path that ends in '.onnx'"),
        ("it", "litert", "ends in '.tflite'"),
        ("mine", "saved_model", "export expects a path where there is nothing, or another SavedModel; received path="),
        ("mine", "openvino", "or another OpenVINO"),
        ("file", "saved_model", "where there is nothing"),
        ("file/below", "saved_model", "cannot be written (file exists); what was there"),
        ("it", "onx", "no format 'onx'; did you mean 'onnx'?"),
    ]:
        with pytest.raises(Refusal) as caught:
            export(small_model, tmp_path / path, format)
        assert words in str(caught.value) and "\n" not in str(caught.value), caught.value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]


def _killed(folder):
    """Kills an export after all is written, before it is verified."""
    exporter.run_isolated = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    export(model("mnist1d_fc100"), f"{folder}/it")


def _full(folder):
    """Exports to a disk that takes only files of a few bytes; the error message goes to another file."""
    import resource

    with open(f"{folder}/message", "w") as message:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
        try:
            export(model("mnist1d_fc100"), f"{folder}/it")
        except Refusal as refusal:
            message.write(str(refusal))


@pytest.mark.parametrize("end, code", [(_killed, -signal.SIGKILL), (_full, 0)])
@pytest.mark.large
def test_killed_and_out_of_space(tmp_path, in_process, end, code):
    export(model("mnist1d_fc100"), tmp_path / "it")
    before, x = stamp(tmp_path / "it"), np.ones((2, 40, 1), "float32")
    process = forkserver().Process(target=end, args=(str(tmp_path),))
    process.start()
    process.join()
    assert process.exitcode == code and stamp(tmp_path / "it") == before
    loaded = tf.saved_model.load(tmp_path / "it")
    assert loaded.serve(x).shape == (2, 10)
    if end is _full:
        message = (tmp_path / "message").read_text()
        assert "cannot be written (" in message and "what was there is unchanged" in message and "\n" not in message
    export(model("mnist1d_fc100"), tmp_path / "it")
    assert {path.name for path in tmp_path.iterdir()} <= {"it", "message"}

"""The public function: what it returns, what it refuses, and that nothing wrong is ever put in place."""

import json
import multiprocessing
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.checks import Refusal
from kzoo.export import export as public
from kzoo.export import exporter as module
from kzoo.export.exporter import export
from kzoo.models.registry import model
from tests.export.conftest import LABELS


@pytest.fixture
def here(monkeypatch):
    """Bare processes played by this one, where new ones would show nothing more."""

    def run_isolated(path, cases, format="saved_model"):
        from kzoo.export.runtimes import OPENERS

        _, run = OPENERS[format][0](path)
        return [run(case.inputs, case.signature) for case in cases]

    monkeypatch.setattr(module, "run_isolated", run_isolated)
    return run_isolated


def test_saved_model_in_a_bare_process(net, images, tmp_path):
    report = export(net, tmp_path / "it", examples=images, labels=LABELS)
    assert report["format"] == "saved_model" and report["file"] == "it" and 0 <= report["max_difference"] <= 1e-5
    assert report["tried"] == ["1 x 8 x 8 x 1", "7 x 8 x 8 x 1", "20 x 8 x 8 x 1"]
    assert report["signatures"] == ["serving_default", "features", "serve_pixels", "serve_image"]
    assert report["bytes"] == sum(f.stat().st_size for f in (tmp_path / "it").rglob("*") if f.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["it"] and json.loads(json.dumps(report)) == report
    assert public is export


@pytest.mark.parametrize("format, file", [("onnx", "it.onnx"), ("litert", "it.tflite"), ("openvino", "it")])
def test_other_formats_in_a_bare_process(net, images, tmp_path, format, file):
    report = export(net, tmp_path / file, format, examples=images)
    assert 0 <= report["max_difference"] <= 1e-4 and report["bytes"] > 1000 and "signatures" not in report


def test_int8_tells_the_accuracy(net, images, tmp_path, here):
    targets = net.predict(images, verbose=0).argmax(-1)
    targets[:5] = (targets[:5] + 1) % 3
    report = export(net, tmp_path / "it.tflite", "litert_int8", examples=images, targets=targets)
    assert report["accuracy"]["before"] == 0.75 and 0.5 <= report["accuracy"]["after"] <= 1
    assert 1e-6 < report["max_difference"] < 0.2


def test_mixed_precision(tmp_path, here):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = model("mnist1d_fc100")
    finally:
        keras.config.set_dtype_policy(before)
    assert export(net, tmp_path / "it")["max_difference"] <= 0.02
    assert export(net, tmp_path / "it.onnx", "onnx")["max_difference"] <= 1e-5  # float32 against float32


def test_grouped_and_random_layers_of_kerass(tmp_path, here):
    x = keras.Input((8, 8, 4))
    y = keras.layers.RandomFlip()(keras.layers.Conv2D(4, 3, groups=2)(x))
    net = keras.Model(x, keras.layers.Flatten()(y))
    for format, file in {"saved_model": "it", "onnx": "it.onnx", "litert": "it.tflite"}.items():
        assert export(net, tmp_path / file, format)["max_difference"] <= 1e-5


def test_open_sizes(tmp_path, here):
    x = keras.Input((None, None, 3))
    net = keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(x)))
    for format, file in {"saved_model": "it", "onnx": "it.onnx"}.items():
        assert export(net, tmp_path / file, format)["tried"] == [
            *("1 x 32 x 32 x 3", "7 x 32 x 32 x 3"),
            *("1 x 37 x 41 x 3", "7 x 37 x 41 x 3"),
        ]


def test_a_wrong_model_is_refused_and_the_old_one_stays(net, tmp_path, here, monkeypatch):
    """Answers that are off by a little more than rounding."""
    for format, file in {"saved_model": "it", "onnx": "it.onnx"}.items():
        export(net, tmp_path / file, format)
        before = stamp(tmp_path / file)
        real = module.run_isolated

        def changed(*args, real=real):
            return [[y * (1 + 1e-3) for y in answers] for answers in real(*args)]

        monkeypatch.setattr(module, "run_isolated", changed)
        with pytest.raises(Refusal, match=r"^export: the \w+ of small differs from the net by 1.0e-03 of the"):
            export(net, tmp_path / file, format)
        monkeypatch.setattr(module, "run_isolated", real)
        assert stamp(tmp_path / file) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it", "it.onnx"]


def stamp(path):
    """When and as what the files at a path were made."""
    return sorted((str(file), file.stat().st_ino, file.stat().st_mtime_ns) for file in (path, *path.rglob("*")))


def test_nan_is_refused(net, tmp_path, monkeypatch):
    wrong = lambda path, cases, format: [[np.full_like(y, np.nan) for y in case.wanted] for case in cases]  # noqa: E731
    monkeypatch.setattr(module, "run_isolated", wrong)
    for format, file in {"saved_model": "it", "litert_int8": "it.tflite"}.items():
        with pytest.raises(Refusal, match="differs from the net by nan"):
            export(net, tmp_path / file, format, examples=np.zeros((3, 8, 8, 1), "float32"))
    assert list(tmp_path.iterdir()) == []


def test_paths_that_will_not_do(net, tmp_path):
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
            export(net, tmp_path / path, format)
        assert words in str(caught.value) and "\n" not in str(caught.value), caught.value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]


def _killed(folder):
    """An export that is killed once all is written and nothing checked."""
    module.run_isolated = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    export(model("mnist1d_fc100"), f"{folder}/it")


def _full(folder):
    """An export on a disk that takes files of a few bytes only; its words go to a file beside."""
    import resource

    with open(f"{folder}/words", "w") as words:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
        try:
            export(model("mnist1d_fc100"), f"{folder}/it")
        except Refusal as refusal:
            words.write(str(refusal))


@pytest.mark.parametrize("end, code", [(_killed, -signal.SIGKILL), (_full, 0)])
def test_killed_and_out_of_space(tmp_path, here, end, code):
    export(model("mnist1d_fc100"), tmp_path / "it")
    before, asked = stamp(tmp_path / "it"), np.ones((2, 40, 1), "float32")
    answer = tf.saved_model.load(tmp_path / "it").serve
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kzoo_trials"])
    process = context.Process(target=end, args=(str(tmp_path),))
    process.start()
    process.join()
    assert process.exitcode == code and stamp(tmp_path / "it") == before
    loaded = tf.saved_model.load(tmp_path / "it")
    assert loaded.serve(asked).shape == (2, 10) and answer is not None
    if end is _full:
        told = (tmp_path / "words").read_text()
        assert "cannot be written (" in told and "what was there is as it was" in told and "\n" not in told
    export(model("mnist1d_fc100"), tmp_path / "it")
    assert {path.name for path in tmp_path.iterdir()} <= {"it", "words"}

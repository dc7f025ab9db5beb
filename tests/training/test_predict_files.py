"""Predictions of files by runs and exports: the same rows in all formats, failures, and outputs."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.export.damage import sha256_of
from kzoo.export.fixed_shape import fix_input_shape
from kzoo.export.record_writers import Target
from kzoo.export.registry import FORMATS
from kzoo.training.predict_files import predict_files

DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(2)
    x = inputs = keras.Input((8, 8, 1), name="input")
    x = keras.layers.Rescaling(1 / 255, name="preprocess1")(x)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax", name="predictions")(x), name="it")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Images of several sizes, depths and colours, and arrays."""
    folder = tmp_path_factory.mktemp("scans")
    for number, (mode, size) in enumerate([("L", (8, 8)), ("RGB", (12, 9)), ("L", (5, 5)), ("RGB", (8, 8))]):
        pixels = DRAW.integers(0, 256, (*size[::-1], len(mode))).astype("uint8")
        Image.fromarray(pixels.squeeze()).save(folder / f"{number}.png")
    np.save(folder / "several.npy", DRAW.integers(0, 256, (3, 8, 8)).astype("uint8"))
    np.savez(folder / "one.npz", x=DRAW.uniform(0, 255, (8, 8, 1)))
    return folder


def rows(name, files, folder):
    assert predict_files(name, files, Target("jsonl", folder / "rows.jsonl"), top=2) == []
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_all_formats_give_the_same_rows(model, scans, tmp_path):
    """A `.keras` file, and each export in its own runtime, of a fixed batch too; the int8 one within its rounding."""
    model.save(tmp_path / "model.keras")
    files = sorted(scans.iterdir())
    expected = rows(tmp_path / "model.keras", files, tmp_path)
    assert [(Path(row["file"]).name, row["index"]) for row in expected] == [
        *((f"{number}.png", None) for number in range(4)),
        *(("one.npz", 0), ("several.npy", 0), ("several.npy", 1), ("several.npy", 2)),
    ]
    exports = []
    for name, format in FORMATS.items():
        examples = DRAW.uniform(0, 255, (20, 8, 8, 1)).astype("float32") if format.quantized else None
        format.write(model, tmp_path / format.file, examples=examples)
        exports.append((name, format.file))
    FORMATS["litert"].write(fix_input_shape(model, 3), tmp_path / "fixed.tflite")
    exports.append(("litert", "fixed.tflite"))
    entries = [{"file": file, "format": name, "sha256": sha256_of(tmp_path / file)} for name, file in exports]
    (tmp_path / "export.json").write_text(json.dumps({"exports": entries}))  # so that files need not run on zeros first
    for name, file in exports:
        tolerance = 0.02 if FORMATS[name].quantized else 1e-5
        compare(rows(tmp_path / file, files, tmp_path), expected, tolerance, file)


def compare(found, expected, tolerance, name):
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert (one["file"], one["index"]) == (other["file"], other["index"]), name
        scores, wanted = ({best["class"]: best["score"] for best in each["top"]} for each in (one, other))
        ambiguous = abs(np.subtract(*wanted.values())) < 2 * tolerance
        assert ambiguous or list(scores) == list(wanted), (name, one, other)
        for best in scores.keys() & wanted.keys():
            assert scores[best] == pytest.approx(wanted[best], abs=tolerance), name


def test_files_that_fail_are_reported(model, scans, tmp_path, capsys):
    model.save(tmp_path / "model.keras")
    (tmp_path / "bad.png").write_bytes(b"no image")
    files = [tmp_path / "none.png", scans / "0.png", tmp_path / "bad.png"]
    target = Target("csv", tmp_path / "r.csv", tmp_path / "p.npy")
    assert predict_files(tmp_path / "model.keras", files, target) == [files[0], files[2]]
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2 and np.load(tmp_path / "p.npy").shape == (1, 3)
    assert capsys.readouterr().err.splitlines() == [
        f"kzoo: predict: {files[0]} cannot be read: no such file or directory.",
        f"kzoo: predict: {files[2]} is not an image that can be read.",
        "kzoo: predict: 2 of 3 files could not be predicted.",
    ]


def test_nothing_is_written_if_every_file_fails(model, tmp_path):
    model.save(tmp_path / "model.keras")
    (tmp_path / "r.csv").write_text("mine")
    target = Target("csv", tmp_path / "r.csv")
    with pytest.raises(Refusal, match=r"^predict: none of 2 files could be predicted\.$"):
        predict_files(tmp_path / "model.keras", [tmp_path / "a.png", tmp_path / "b.png"], target)
    with pytest.raises(Refusal, match=r"a.png cannot be read: no such file or directory\.$"):
        predict_files(tmp_path / "model.keras", [tmp_path / "a.png"], target)
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_outputs(model, tmp_path, capsys):
    x = DRAW.uniform(0, 255, (4, 8, 8, 1)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    model.save(tmp_path / "model.keras")
    target = Target("jsonl", outputs=tmp_path / "p.npy")
    assert predict_files(tmp_path / "model.keras", [tmp_path / "x.npy"], target, top=1) == []
    outputs = np.load(tmp_path / "p.npy")
    np.testing.assert_allclose(outputs, model(x), atol=1e-6)
    printed = [json.loads(line)["top"][0]["class"] for line in capsys.readouterr().out.splitlines()]
    assert printed == outputs.argmax(-1).tolist()

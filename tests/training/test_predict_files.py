"""Predictions of files by runs and exports: the same rows in all formats, failures, outputs, and a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.export.export_folder import write_export_folder
from kzoo.export.record_writers import Target
from kzoo.export.registry import FORMATS
from kzoo.models.load_model import load_model
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
    for name, format in FORMATS.items():
        examples = DRAW.uniform(0, 255, (20, 8, 8, 1)).astype("float32") if format.quantized else None
        format.write(model, tmp_path / format.file, examples=examples)
        tolerance = 0.02 if format.quantized else 1e-5
        compare(rows(tmp_path / format.file, files, tmp_path), expected, tolerance, name)
    write_export_folder(model, tmp_path / "fixed", ["litert"], "", batch_size=3)
    compare(rows(tmp_path / "fixed", files, tmp_path), expected, 1e-5, "a fixed batch")


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


def test_outputs(finished, tmp_path, capsys):
    folder, _ = finished
    x = DRAW.normal(size=(4, 12, 1)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    assert predict_files(folder, [tmp_path / "x.npy"], Target("jsonl", outputs=tmp_path / "p.npy"), top=1) == []
    outputs = np.load(tmp_path / "p.npy")
    np.testing.assert_allclose(outputs, load_model(folder)(x), atol=1e-6)
    printed = [json.loads(line)["top"][0]["class"] for line in capsys.readouterr().out.splitlines()]
    assert printed == outputs.argmax(-1).tolist()


@pytest.mark.parametrize("there", [False, True])
def test_a_kill_leaves_the_file_as_it_was(model, scans, tmp_path, there):
    """Rows that were written are in no file of that name; the next command removes what is left of them."""
    model.save(tmp_path / "model.keras")
    if there:
        (tmp_path / "r.csv").write_text("mine")
    code = """
import os, signal, sys
from pathlib import Path
from kzoo.export import record_writers
from kzoo.export.record_writers import Target
from kzoo.training.predict_files import predict_files
write, count = record_writers.CsvWriter.write, 0
def killed(self, record, most):
    global count
    count += 1
    if count == 3:
        self.stream.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, record, most)
record_writers.CsvWriter.write = killed
files = sorted(Path(sys.argv[2]).iterdir())
predict_files(sys.argv[1] + "/model.keras", files, Target("csv", Path(sys.argv[1], "r.csv")))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path, scans], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    content = (tmp_path / "r.csv").read_text() if (tmp_path / "r.csv").exists() else None
    assert content == ("mine" if there else None)
    predict_files(tmp_path / "model.keras", sorted(scans.iterdir()), Target("csv", tmp_path / "r.csv"))
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 9
    assert sorted(os.listdir(tmp_path)) == ["model.keras", "r.csv"]

"""`kzoo predict`: formats, lists on standard input, files that fail, pipes; test_train.py predicts with a run."""

import contextlib
import csv
import io
import json
import os

import numpy as np
import pytest

from kzoo.models.registry import model

ROWS = [[f"{number}.npy", "0"] for number in range(3)]


@pytest.fixture
def signals(tmp_path, monkeypatch):
    """A model in a file, and three files of signals."""
    monkeypatch.chdir(tmp_path)
    model("mnist1d_fc100").save("m.keras")
    for number in range(3):
        np.save(f"{number}.npy", np.random.default_rng(number).normal(size=(1, 40, 1)))
    return tmp_path


def rows_of(text):
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["file", "index", "class_1", "label_1", "score_1"]
    return rows


def test_csv(signals, call, monkeypatch):
    code, out, err = call("predict", "m.keras", "[0-2].npy", "--format", "csv", "--top", "1")
    rows = rows_of(out)
    assert (code, err) == (0, "") and [row[:2] for row in rows] == ROWS
    assert all(0.1 < float(row[4]) <= 1 and row[3] == "" for row in rows)
    code, out, err = call("predict", "m.keras", ".", "--out", "rows.csv", "--top", "1")
    assert (code, out, err) == (0, "", "") and rows_of((signals / "rows.csv").read_text()) == rows
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"0.npy\n1.npy\n2.npy\n")))
    assert rows_of(call("predict", "m.keras", "-", "--format=csv", "--top=1")[1]) == rows


def test_json(signals, call):
    code, out, _ = call("predict", "m.keras", "0.npy", "1.npy", "--json")
    assert code == 0 and [record["file"] for record in json.loads(out)] == ["0.npy", "1.npy"]
    assert json.loads(call("predict", "m.keras", "0.npy", "1.npy", "--format", "json")[1]) == json.loads(out)
    lines = call("predict", "m.keras", "0.npy", "1.npy", "--format", "jsonl")[1].splitlines()
    assert [json.loads(line) for line in lines] == json.loads(out)


def test_files_that_fail(signals, call):
    (signals / "1.npy").write_bytes(b"no array")
    code, out, err = call("predict", "m.keras", ".", "--format", "csv", "--top", "1")
    assert code == 1 and [row[0] for row in rows_of(out)] == ["0.npy", "2.npy"]
    first, last = err.splitlines()
    assert first.startswith("kzoo: predict: 1.npy is neither an image nor a .npy array: ")
    assert last == "kzoo: predict: 1 of 3 files could not be predicted."


def test_refusals(signals, misuse, monkeypatch):
    monkeypatch.setattr("kzoo.training.model_lookup.load_model", None)  # it is not reached
    for args, words in [
        (["none.npy"], "predict expects existing files and folders; received file='none.npy'."),
        (["*.png"], "predict expects a pattern with .bmp, .gif"),
        (
            ["0.npy", "--format", "xml"],
            "predict --format expects one of table, csv, jsonl, json; received format='xml'.",
        ),
        (["0.npy", "--format", "csv", "--json"], "predict expects --json or --format; received format='csv'."),
        (["0.npy", "--out", "/dev/null/p.npy"], "predict --out: /dev/null/p.npy cannot be written"),
        (["0.npy", "--maps", "/dev/null/maps"], "predict --maps: /dev/null/maps/maps.npy cannot be written"),
    ]:
        assert words in misuse("predict", "m.keras", *args)


def test_a_pipe_that_is_closed(signals, call, monkeypatch):
    """As `| head -n 2` closes it: no message, and exit code 1."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        code, _, err = call("predict", "m.keras", ".", "--format", "jsonl")
        assert (code, err) == (1, "")
        monkeypatch.undo()
        with contextlib.suppress(BrokenPipeError):
            stream.close()

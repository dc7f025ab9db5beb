"""Records as CSV, JSON, JSON Lines and tables; where they are written, and that a file is complete or absent."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.checks import Refusal
from kzoo.export.record_writers import WRITERS, Target, check_target, open_writer

ROOT = Path(__file__).parents[2]
CLASSES = [
    {
        "file": "a/b.npy",
        "index": 4,
        "top": [{"class": 7, "label": None, "score": 0.5}, {"class": 0, "label": None, "score": 0.25}],
    },
    {
        "file": 'a "b",\n.png',
        "index": None,
        "top": [{"class": 7, "label": "a,b", "score": 0.75}, {"class": 0, "label": "c", "score": 0.125}],
    },
]
MAPS = [
    {"file": "a.png", "index": None, "shares": [{"class": 0, "label": "sky", "share": 1.0}]},
    {
        "file": "b.png",
        "index": None,
        "shares": [{"class": 2, "label": "road", "share": 0.75}, {"class": 0, "label": "sky", "share": 0.25}],
    },
]


def written(format, records, most=2):
    stream = io.StringIO(newline="")
    writer = WRITERS[format](stream)
    for record in records:
        writer.write(record, most)
    writer.close()
    return stream.getvalue()


def test_csv():
    text = written("csv", CLASSES)
    assert text.startswith("file,index,class_1,label_1,score_1,class_2,label_2,score_2\na/b.npy,4,7,,0.5,0,,0.25\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["file"] for row in rows] == [record["file"] for record in CLASSES]
    assert rows[1]["label_1"] == "a,b" and rows[1]["index"] == ""


def test_csv_of_maps_has_columns_for_classes_that_a_map_lacks():
    header, *rows = csv.reader(io.StringIO(written("csv", MAPS, 3), newline=""))
    assert len(header) == len(rows[0]) == len(rows[1]) == 11
    assert dict(zip(header, rows[0]))["class_2"] == "" and dict(zip(header, rows[1]))["share_2"] == "0.25"


@pytest.mark.parametrize("records", [CLASSES, MAPS], ids=["classes", "maps"])
def test_json(records):
    assert json.loads(written("json", records)) == records
    assert [json.loads(line) for line in written("jsonl", records).splitlines()] == records
    assert json.loads(written("json", [])) == [] and written("table", []) == written("csv", []) == ""


def test_table():
    shown = written("table", [*CLASSES, {"file": "\x1b[31m.png", "index": None, "top": CLASSES[1]["top"]}])
    assert "\\x1b[31m.png" in shown and "\x1b" not in shown
    assert "a/b.npy 4" in shown and "7  0.500" in shown and "a,b  0.750" in shown
    assert "b.png" in written("table", MAPS) and "road  75 %" in written("table", MAPS)


def test_long_names_of_files_are_whole_in_a_table():
    name = "scans/" * 60 + "x.png"
    shown = written("table", [{**CLASSES[0], "file": name}])
    cells = [line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│")]
    assert "".join(cells).replace(" ", "") == f"{name}4"


def test_targets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_target(None, None, False) == ("table", None, None)
    assert check_target(None, "csv", False).streams and not check_target(None, "json", False).streams
    for name, format, expected in [
        ("r.csv", None, "csv"),
        ("r.JSONL", None, "jsonl"),
        ("r.txt", "csv", "csv"),
        ("r.csv", "json", "json"),
    ]:
        target = check_target(name, format, False)
        assert target == (expected, Path(name), None)
        assert not target.streams
    target = check_target("p.npy", "csv", False)
    assert (target.format, target.file, target.outputs.name, target.streams) == ("csv", None, "p.npy", True)
    assert list(tmp_path.iterdir()) == []


def test_refused_targets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    for out, format, words in [
        (None, "xml", "predict --format expects one of table, csv, jsonl, json; received format='xml'"),
        ("r.txt", None, "predict --out expects --format, or a path that ends in .csv, .jsonl, .json or .npy; received"),
        ("r", None, "predict --out expects --format, or a path"),
        ("there.csv", None, "a path where there is nothing, or a file and --overwrite; received out='there.csv'"),
        ("folder.csv", None, "a path where there is nothing"),
        ("there.csv/r.csv", None, "there.csv/r.csv cannot be written (file exists)"),
    ]:
        with pytest.raises(Refusal) as caught:
            check_target(out, format, False)
        assert words in str(caught.value)
    assert check_target("there.csv", None, True).file.name == "there.csv"
    with pytest.raises(Refusal, match="a path where there is nothing"):
        check_target("folder.csv", None, True)
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_a_file_is_complete_or_unchanged(tmp_path):
    target = Target("csv", tmp_path / "r.csv")
    (tmp_path / "r.csv").write_text("mine")
    with pytest.raises(ZeroDivisionError), open_writer(target) as writer:
        writer.write(CLASSES[0], 2)
        raise ZeroDivisionError
    assert (tmp_path / "r.csv").read_text() == "mine"
    with open_writer(target) as writer:
        writer.write(CLASSES[0], 2)
        assert (tmp_path / "r.csv").read_text() == "mine"
    assert (tmp_path / "r.csv").read_text() == written("csv", CLASSES[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


@pytest.mark.parametrize("format", ["csv", "table", "json"])
def test_names_that_are_not_utf8(tmp_path, monkeypatch, format):
    """CSV has the bytes of the path, with which the file is found; the others have escapes."""
    record = {**CLASSES[0], "file": "\udcff.png"}
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "utf-8"))
    with open_writer(Target(format)) as writer:
        writer.write(record, 2)
    with open_writer(Target(format, tmp_path / "r")) as writer:
        writer.write(record, 2)
    sys.stdout.flush()
    expected = {"csv": b"\xff.png,4,", "table": b"\\udcff.png", "json": b"\\udcff.png"}[format]
    assert expected in raw.getvalue() and expected in (tmp_path / "r").read_bytes()


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_kill_leaves_the_file_as_it_was(tmp_path, there):
    """Rows that were written are in no file of that name; the next writer removes what is left of them."""
    if there:
        (tmp_path / "r.csv").write_text("mine")
    code = """
import os, signal, sys
from pathlib import Path
from kzoo.export.record_writers import Target, open_writer
with open_writer(Target("csv", Path(sys.argv[1]))) as writer:
    for number in range(5000):
        writer.write({"file": f"{number}.png", "index": None, "top": [{"class": 0}]}, 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "r.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(os.listdir(tmp_path)) == 2 + there  # the leftovers, and their lock
    assert not there or (tmp_path / "r.csv").read_text() == "mine"
    with open_writer(Target("csv", tmp_path / "r.csv")) as writer:
        writer.write(CLASSES[0], 2)
    assert (tmp_path / "r.csv").read_text() == written("csv", CLASSES[:1]) and os.listdir(tmp_path) == ["r.csv"]

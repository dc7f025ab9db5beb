"""Files that arguments name: folders, patterns, and lists on standard input."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.checks import Refusal
from kzoo.data.file_arguments import list_files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Images, arrays and other files, some of them hidden, in the working folder."""
    for name in ("a.PNG", "deep/er/b.jpg", "deep/c.npz", "deep/.hidden/d.png", "deep/._e.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments, **more):
    return [path.as_posix() for path in list_files("predict", arguments, **more)]


def stdin(monkeypatch, content):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_paths_folders_and_patterns(folder):
    every = ["a.PNG", "deep/c.npz", "deep/er/b.jpg"]
    assert names(".") == names("**") == every
    assert names("notes.txt", "deep", Path("a.PNG")) == ["notes.txt", "deep/c.npz", "deep/er/b.jpg", "a.PNG"]
    assert names("deep/**/*.jpg") == names("de*/*r") == ["deep/er/b.jpg"]
    assert names("a.PNG", "a.PNG") == ["a.PNG", "a.PNG"]
    (folder / "[a].png").touch()
    assert names("[a].png") == ["[a].png"]  # a file of this name is no pattern


def test_what_is_written_is_left_out(folder):
    assert names(".", leave_out=["deep"]) == ["a.PNG"]
    assert names("**", leave_out=["./deep/er", "a.PNG"]) == ["deep/c.npz"]
    assert names("a.PNG", leave_out=["a.PNG"]) == ["a.PNG"]  # named itself


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"a.PNG\nnone.png\n\ndeep/er", ["a.PNG", "none.png", "deep/er/b.jpg"]),
        (b"a.PNG\r\nnone.png\r\n", ["a.PNG", "none.png"]),
        (b"two\nlines.png\0a.PNG\0", ["two\nlines.png", "a.PNG"]),
        ("\u00e4.png\n".encode() + b"\xff.png", ["\u00e4.png", "\udcff.png"]),
    ],
    ids=["lines", "lines of Windows", "NUL", "not UTF-8"],
)
def test_lists_on_standard_input(folder, monkeypatch, content, expected):
    stdin(monkeypatch, content)
    assert names("-") == expected


def test_refusals(folder, monkeypatch):
    stdin(monkeypatch, b"\n")
    (folder / "empty").mkdir()
    for argument, words in [
        ("", "names of files and folders, not empty ones; received files=['']"),
        ("none.png", "existing files and folders; received file='none.png'"),
        ("x" * 300, "existing files and folders; received file="),
        ("empty", "a folder with .bmp, .gif"),
        ("*.jpeg", "a pattern with .bmp, .gif"),
        ("*.txt", "a pattern with .bmp"),
        ("-", "at least one path on standard input"),
    ]:
        with pytest.raises(Refusal) as caught:
            list_files("look", [argument])
        assert str(caught.value).startswith(f"look expects {words}"), caught.value


def test_named_files_are_read(folder):
    """The list is of paths that a reader takes."""
    Image.new("L", (2, 2)).save("a.PNG")
    np.savez("deep/c.npz", x=np.zeros(3))
    assert all(path.is_file() for path in list_files("predict", ["."]))

"""Reports of faults: what failed, where, and a file with the full traceback."""

import re
from pathlib import Path

import pytest

import kzoo
from kzoo.fault_report import KEPT, describe_fault, versions, what_failed
from kzoo.user_cache import cached_text

ROOT = Path(kzoo.__file__).parent
GRAPH = RuntimeError(  # as TensorFlow words what happens in a compiled function
    "Graph execution error:\n\nDetected at node a/b defined at (most recent call last):\n"
    f'  File "{ROOT}/ops/conv.py", line 7, in conv\n\n  File "keras/x.py", line 9, in call\n\n'
    "Received 5.\n\t [[{{node a/b}}]]"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KZOO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "faults"


def fault():
    """Returns an exception with a cause and a note."""
    try:
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise RuntimeError("first line\nsecond line") from error
    except RuntimeError as error:
        error.add_note("mnist1d_cnn seed 0, epoch 3 of 10")
        return error


def test_a_report(folder):
    lines = describe_fault(fault(), ["train", "a b"]).splitlines()
    assert lines[:2] == ["RuntimeError: first line", "  mnist1d_cnn seed 0, epoch 3 of 10"]
    assert re.fullmatch(rf"  raised at {re.escape(__file__)}:\d+ \(fault\)", lines[2])
    assert lines[3].startswith("kzoo does not expect this error.")
    (file,) = folder.iterdir()
    assert lines[4].endswith(f"the full traceback: {file}") and len(lines) == 5
    text = file.read_text()
    assert text.startswith("command: kzoo train 'a b'\nplatform: ")
    for words in (
        "second line",
        "KeyError: 'the cause'",
        "epoch 3 of 10",
        f"kzoo: {versions()['kzoo']}",
        "tensorflow: ",
    ):
        assert words in text


def test_the_innermost_frame_of_kzoo_is_named():
    with pytest.raises(ZeroDivisionError) as caught:
        cached_text("a", "b", lambda: 1 / 0)
    frames = describe_fault(caught.value, []).splitlines()[1:3]
    assert re.fullmatch(rf"  in {re.escape(str(ROOT))}/user_cache.py:\d+ \(cached_text\)", frames[0])
    assert re.fullmatch(rf"  raised at {re.escape(__file__)}:\d+ \(<lambda>\)", frames[1])


def test_frames_of_a_compiled_function_are_named():
    lines = describe_fault(GRAPH, []).splitlines()
    assert lines[1:3] == [f"  in {ROOT}/ops/conv.py:7 (conv)", "  raised at keras/x.py:9 (call)"]


def test_old_reports_are_removed(folder):
    for _ in range(KEPT + 3):
        describe_fault(fault(), [])
    assert len(list(folder.iterdir())) == KEPT


def test_a_folder_that_cannot_be_written(folder, tmp_path, monkeypatch):
    folder.parent.write_text("a file where the folder should be")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = Path(describe_fault(fault(), []).splitlines()[-1].rpartition(" ")[2])
    assert file.parent == tmp_path and "KeyError" in file.read_text()


@pytest.mark.parametrize(
    "error, words",
    [
        (ValueError(), "ValueError"),
        (ValueError("\n\na\nb"), "ValueError: a"),
        (KeyError("k"), "KeyError: 'k'"),
        (GRAPH, "RuntimeError: Received 5."),
    ],
)
def test_what_failed(error, words):
    assert what_failed(error) == words

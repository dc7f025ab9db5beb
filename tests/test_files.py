"""Atomic replacement of files and folders, also after errors, kills, full disks and missing permissions."""

import errno
import os
import resource
import signal
import stat

import pytest

from kzoo import files
from kzoo.checks import Refusal
from kzoo.files import (
    atomic_replace,
    check_writable,
    exchange,
    file_lock,
    replace,
    write_atomically,
    write_csv,
    writing,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fill(path, text):
    path.mkdir()
    (path / "it").write_text(text)


@pytest.fixture
def old(tmp_path):
    """A folder at the path of the new one."""
    fill(tmp_path / "there", "old")
    return tmp_path / "there"


def in_fork(function):
    """Calls the function in a child process; returns its exit code, or minus the number of its signal."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except Refusal as refusal:
            os.write(2, f"{refusal}\n".encode())
            os._exit(2)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_new_ones(tmp_path):
    with atomic_replace(tmp_path / "a" / "b" / "folder") as path:
        fill(path, "new")
    with atomic_replace(tmp_path / "file.x") as path:
        assert path.name == "file.x"
        path.write_text("new")
    assert (tmp_path / "a" / "b" / "folder" / "it").read_text() == (tmp_path / "file.x").read_text() == "new"
    assert names(tmp_path) == ["a", "file.x"] and names(tmp_path / "a" / "b") == ["folder"]


def test_csv(tmp_path):
    write_csv(tmp_path / "a.csv", ["x", "y,z"], ([i, None, 'a "b"\n'[i:]] for i in range(2)))
    assert (tmp_path / "a.csv").read_text() == 'x,"y,z"\n0,,"a ""b""\n"\n1,," ""b""\n"\n'
    assert names(tmp_path) == ["a.csv"]


def test_old_ones_are_replaced(old):
    with atomic_replace(old) as path:
        fill(path, "new")
        assert (old / "it").read_text() == "old"
    assert (old / "it").read_text() == "new" and names(old.parent) == ["there"]
    (old.parent / "file").write_text("old")
    with atomic_replace(old.parent / "file") as path:
        path.write_text("new")
    assert (old.parent / "file").read_text() == "new" and names(old.parent) == ["file", "there"]


def test_errors_leave_the_old(old):
    with pytest.raises(KeyError), atomic_replace(old) as path:
        fill(path, "new")
        raise KeyError
    assert (old / "it").read_text() == "old" and names(old.parent) == ["there"]


def test_killed_while_writing(old):
    def killed():
        with atomic_replace(old) as path:
            fill(path, "new")
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_fork(killed) == -signal.SIGKILL
    assert (old / "it").read_text() == "old"
    with atomic_replace(old) as path:  # the next one succeeds
        fill(path, "newer")
    assert (old / "it").read_text() == "newer" and names(old.parent) == ["there"]


def test_killed_between_two_renames(old, monkeypatch):
    """If the file system cannot exchange folders, the next call restores the old one."""
    monkeypatch.setattr(files, "exchange", lambda *_: (_ for _ in ()).throw(OSError(errno.EINVAL, "no")))

    def killed():
        real = os.replace
        monkeypatch.setattr(os, "replace", lambda a, b: (real(a, b), os.kill(os.getpid(), signal.SIGKILL)))
        with atomic_replace(old) as path:
            fill(path, "new")

    assert in_fork(killed) == -signal.SIGKILL and not old.exists()
    with pytest.raises(KeyError), atomic_replace(old):
        raise KeyError
    assert (old / "it").read_text() == "old" and names(old.parent) == ["there"]
    with atomic_replace(old) as path:
        fill(path, "new")
    assert (old / "it").read_text() == "new" and names(old.parent) == ["there"]


def test_no_room_left(old, capfd):
    """A limit on the size of files simulates a full disk."""

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with atomic_replace(old) as path:
            fill(path, "new" * 1000)

    assert in_fork(full) == 2
    assert capfd.readouterr().err == f"export: {old} cannot be written (file too large); what was there is unchanged.\n"
    assert (old / "it").read_text() == "old" and names(old.parent) == ["there"]


def test_a_full_disk_is_said_of_a_file(tmp_path, capfd):
    """And nothing is left of the new file."""
    (tmp_path / "it").write_text("old")

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically(tmp_path / "it", "new" * 1000)
        except OSError as error:
            os.write(2, str(error).encode())

    in_fork(full)
    assert capfd.readouterr().err == f"[Errno 27] File too large: '{tmp_path / 'it'}'"
    assert (tmp_path / "it").read_text() == "old" and names(tmp_path) == ["it"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Can't synchronously write data (errno = 28, error message = 'No space left on device')"),
        RuntimeError("x/events.v2; No space left on device"),
    ],
    ids=["Python", "h5py", "TensorFlow"],
)
def test_writing_names_the_file(error):
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device: 'a/b'$"), writing("a/b"):
        raise error


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EACCES, "denied", "c"), KeyError("x")], ids=str)
def test_writing_leaves_other_errors(error):
    with pytest.raises(type(error)) as caught, writing("a/b"):
        raise error
    assert caught.value is error


def test_check_writable(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "it.json", "--results")
    assert names(tmp_path / "new" / "folder") == []
    (tmp_path / "old.json").write_text("old")
    check_writable(tmp_path / "old.json", "--results")
    assert (tmp_path / "old.json").read_text() == "old"
    for path, reason in (
        ("/dev/null/it.json", "file exists"),
        (tmp_path / "old.json" / "it.json", "file exists"),
        (tmp_path / "old.json" / "below" / "it.json", "not a directory"),
        (tmp_path / "new", "it is no file"),
        ("/dev/null", "it is no file"),
        ("/proc/it.json", "no such file or directory"),
    ):
        with pytest.raises(Refusal) as caught:
            check_writable(path, "--results")
        assert str(caught.value) == f"--results: {path} cannot be written ({reason})."


def test_no_permission(old, capfd):
    """The child drops root privileges, if the tests run as root."""

    def forbidden():
        if os.getuid() == 0:
            os.setuid(65534)
        with atomic_replace(old) as path:
            fill(path, "new")

    old.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert in_fork(forbidden) == 2
    finally:
        old.parent.chmod(stat.S_IRWXU)
    assert f"export: {old} cannot be written (permission denied); what was there" in capfd.readouterr().err
    assert (old / "it").read_text() == "old"


def test_two_at_once_are_refused(old):
    with atomic_replace(old) as path:
        fill(path, "new")
        with pytest.raises(Refusal, match="^another process writes .*there.$"), atomic_replace(old):
            pass
    assert (old / "it").read_text() == "new"
    lock = old.parent / "lock"
    with file_lock(lock, "taken"), pytest.raises(Refusal, match="^taken$"), file_lock(lock, "taken"):
        pass


def test_exchange(tmp_path):
    fill(tmp_path / "a", "a")
    fill(tmp_path / "b", "b")
    exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "it").read_text() == "b" and (tmp_path / "b" / "it").read_text() == "a"
    with pytest.raises(OSError, match="No such file"):
        exchange(tmp_path / "a", tmp_path / "none")


def test_replace_without_exchange(old, tmp_path, monkeypatch):
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *_, **__: object())
    fill(tmp_path / "new", "new")
    replace(tmp_path / "new", old)
    assert (old / "it").read_text() == "new" and names(tmp_path) == ["there"]

"""New files and folders that take the place of old ones at once, or not at all.

Source: none; renameat2(2) of Linux.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
from pathlib import Path

from kzoo.checks import Refusal

HERE = -100  # AT_FDCWD: paths are meant from the current folder
EXCHANGE = 2  # RENAME_EXCHANGE


@contextlib.contextmanager
def placed(path, what="export"):
    """A path to write to, beside `path` and of its name; when the block ends it takes the place of what is there.

    If the block fails, or this process is killed in it, what was there is untouched; the next one clears away what is
    left over. Errors: Refusal if another process writes there, or if writing failed, with the reason.
    """
    path = Path(path)
    partial, old = (path.with_name(f".{path.name}.{word}") for word in ("partial", "old"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.lock"), f"another process writes {path}."):
            if old.exists() or old.is_symlink():  # killed while one took the other's place
                _remove(old) if path.exists() else os.replace(old, path)
            _remove(partial)
            partial.mkdir()
            try:
                yield partial / path.name
                put(partial / path.name, path, old)
            finally:
                _remove(partial)
    except OSError as error:
        raise Refusal(f"{what}: {path} cannot be written ({_words(error)}); what was there is as it was.") from error


def put(new, path, old):
    """Rename `new` to `path`; where both are folders they are exchanged in one step, if the file system can."""
    if not path.is_dir():
        os.replace(new, path)
        return
    try:
        exchange(new, path)
    except OSError:
        os.replace(path, old)
        os.replace(new, path)
        _remove(old)


def exchange(one, other):
    """Let two paths change places, so that neither is ever missing. Errors: OSError where that is not possible."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))


@contextlib.contextmanager
def locked(path, refusal):
    """Hold a lock, so that two processes never write one folder; the kernel frees it when we die."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(refusal) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _words(error):
    return (error.strerror or str(error)).lower()

"""Files and folders that are written whole or not at all, and locks between processes.

Every file that must survive a kill is written through this module: runs, checkpoints, searches, exports and caches.

Source: rename(2), renameat2(2), flock(2) and fsync(2) of Linux.
"""

import contextlib
import csv
import ctypes
import errno
import fcntl
import io
import os
import shutil
import tempfile
from pathlib import Path

from kzoo.checks import Refusal

AT_FDCWD = -100  # paths are relative to the current folder
RENAME_EXCHANGE = 2
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)  # of a full or damaged disk


def write_atomically(path, content):
    """Writes bytes or text to a file: after a kill at any moment the file is the old one or the new one, complete."""
    path = Path(path)
    partial = path.with_name(f"{path.name}.writing")
    try:
        with writing(path), open(partial, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def write_csv(path, columns, rows):
    """Writes a .csv file with a head of column names atomically; None becomes an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


@contextlib.contextmanager
def writing(path):
    """Context manager: an error of a full or damaged disk that names no file becomes an OSError that names `path`."""
    try:
        yield
    except Exception as error:
        code = disk_error(error)
        if code is None or getattr(error, "filename", None) is not None:
            raise
        raise OSError(code, os.strerror(code), str(path)) from error


def disk_error(error):
    """Returns the errno of an exception, None if it has none and is not about a full or damaged disk.

    h5py and TensorFlow raise exceptions of their own, which have the system's words for it.

    >>> disk_error(RuntimeError("x.h5; No space left on device")) == errno.ENOSPC, disk_error(ValueError("x"))
    (True, None)
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    return next((code for code in DISK_ERRORS if os.strerror(code) in str(error)), None)


def check_writable(path, who):
    """Creates the folder of a file that is written later. Raises Refusal if the file cannot be written there."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "it is no file")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise Refusal(f"{who}: {path} cannot be written ({(error.strerror or str(error)).lower()}).") from error


@contextlib.contextmanager
def atomic_replace(path, what="export"):
    """Context manager: yields a temporary path of the same name and, on success, atomically replaces `path` with it.

    A file or a folder. If the block fails or the process is killed, `path` is unchanged, and the next call removes the
    leftovers. Raises Refusal if another process writes `path`, or with the reason if writing failed.
    """
    path = Path(path)
    partial = hidden(path, "partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(hidden(path, "lock"), f"another process writes {path}."):
            recover(path)
            remove(partial)
            partial.mkdir()
            try:
                with writing(path):
                    yield partial / path.name
                replace(partial / path.name, path)
            finally:
                remove(partial)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refusal(f"{what}: {path} cannot be written ({reason}); what was there is unchanged.") from error


@contextlib.contextmanager
def create_once(path):
    """Context manager: yields a private temporary folder; what is at `folder / path.name` afterwards becomes `path`.

    Several processes may do this at the same time: the first to finish wins, the others discard their result.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".preparing_", dir=path.parent) as folder:
        yield Path(folder)
        try:
            os.rename(Path(folder, path.name), path)
        except OSError:
            if not path.exists():
                raise


def hidden(path, suffix):
    """Returns the hidden sibling `.NAME.SUFFIX` of a path; of a root, which has no siblings, a path in it.

    >>> hidden("runs/mnist", "partial").as_posix()
    'runs/.mnist.partial'
    """
    path = Path(path)
    return path.parent / f".{path.name}.{suffix}"


def recover(path):
    """Completes a replacement of `path` that was interrupted by a kill between its two renames."""
    old = hidden(path, "old")
    if old.exists() or old.is_symlink():
        remove(old) if path.exists() else os.replace(old, path)


def replace(new, path):
    """Renames `new` to `path`. Two folders are exchanged in one step where the file system supports it."""
    if not path.is_dir():
        os.replace(new, path)
        return
    try:
        exchange(new, path)
        remove(new)
    except OSError:
        replace_in_two_steps(new, path)


def replace_in_two_steps(new, path):
    """Renames `path` to `.NAME.old`, then `new` to `path`. After a kill between the two, `recover` undoes the first."""
    old = hidden(path, "old")
    if path.exists():
        os.replace(path, old)
    os.replace(new, path)
    remove(old)


def exchange(one, other):
    """Exchanges two paths in one step, so that neither is ever missing. Raises OSError where this is not supported."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))


@contextlib.contextmanager
def file_lock(path, refusal=None):
    """Context manager: holds an exclusive lock, which the kernel releases when the process dies.

    While another process holds it, raises Refusal(refusal), or waits if `refusal` is None.
    """
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if refusal is None else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Refusal(refusal) from None
        try:
            yield
        finally:
            if refusal is not None:  # without it, other processes may be waiting for the lock on this very file
                Path(path).unlink(missing_ok=True)


def copy_path(path, target):
    """Copies a file, or a folder with all that is in it; creates the folder that the copy is in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        shutil.copy2(path, target)


def remove(path):
    """Removes a file, a link or a folder with all that is in it; nothing if it is missing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

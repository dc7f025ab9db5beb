"""The user's cache folder: texts that take seconds to compute, and reports of faults.

KZOO_CACHE_DIR names another folder. Where the folder cannot be written, everything works without it.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from kzoo.files import write_atomically


def cache_folder() -> Path:
    """Returns the folder, which need not exist."""
    return Path(os.environ.get("KZOO_CACHE_DIR") or platformdirs.user_cache_dir("kzoo"))


def cached_text(group: str, name: str, compute: Callable[[], str]) -> str:
    """Returns the text that `compute` returns, from a file of `group` if this installation has computed it before."""
    folder, version = cache_folder() / group, installed_version()
    file = folder / f"{name}-{version}.txt"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return file.read_text("utf-8")
    text = compute()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text)
        for old in folder.glob("*.txt"):
            if not old.stem.endswith(version):
                old.unlink(missing_ok=True)
    return text


@functools.cache
def installed_version() -> str:
    """Returns a fingerprint of the installed kzoo and Keras: a hash of kzoo's source files and Keras's version."""
    found = hashlib.sha256(importlib.metadata.version("keras").encode())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]

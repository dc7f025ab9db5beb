"""XLA's persistent cache: programs that a command compiled are loaded by later commands instead of compiled again.

It is a folder of the user's cache folder. TensorFlow writes each file atomically, but sets no limit to their size, and
ends a training with an error if a file is damaged or cannot be written. So the folder is checked before TensorFlow is
imported. KZOO_XLA_CACHE is the limit in MiB; 0 turns the cache off.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import shutil
import time
from pathlib import Path

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError

from kzoo.checks import Refusal
from kzoo.user_cache import cache_folder

LIMIT = "KZOO_XLA_CACHE"
MIB = 2**20
DEFAULT_LIMIT = 256 * MIB  # some thousand programs
ABANDONED = 3600.0  # seconds after which a file that has no final name is what a killed process left


def use_compilation_cache() -> None:
    """Lets XLA store the programs that this process and its children compile for the CPU, and load stored ones.

    To be called before TensorFlow is imported. Does nothing if the cache is turned off, if TF_XLA_FLAGS names a cache
    already, or if the folder cannot be written or its disk has less free space than the limit.
    Raises Refusal if KZOO_XLA_CACHE is not a whole number.
    """
    limit, flags = limit_in_bytes(), os.environ.get("TF_XLA_FLAGS", "")
    if limit == 0 or "persistent_cache" in flags:
        return
    folder = root() / environment_fingerprint()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tidy(limit)
        usable = os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free > limit
    except OSError:
        return
    if usable and " " not in str(folder):  # which would end the flag
        of_cache = {"directory": folder, "read_only": "false", "device_types": "CPU"}
        added = [f"--tf_xla_persistent_cache_{name}={value}" for name, value in of_cache.items()]
        os.environ["TF_XLA_FLAGS"] = " ".join([flags, *added]).strip()


def describe() -> str:
    """Returns whether this process uses the cache, where it is, and how many programs of how many MiB it holds."""
    if str(root()) not in os.environ.get("TF_XLA_FLAGS", ""):
        return f"not used ({LIMIT}, TF_XLA_FLAGS, or a folder that is full or cannot be written: {root()})"
    sizes = [file.stat().st_size for file in root().glob("*/*.pb")]
    return f"{root()}: {len(sizes)} programs, {sum(sizes) / MIB:.0f} of at most {limit_in_bytes() // MIB} MiB"


def root() -> Path:
    """Returns the folder of the cache, which need not exist; a folder in it holds programs of one environment."""
    return cache_folder() / "xla"


def limit_in_bytes() -> int:
    """Returns how many bytes the cache may hold. Raises Refusal if KZOO_XLA_CACHE is not a whole number."""
    text = os.environ.get(LIMIT)
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal():
        raise Refusal(f"{LIMIT} expects a whole number of MiB, 0 for no cache of compiled programs; received {text!r}.")
    return int(text) * MIB


def tidy(limit: int) -> None:
    """Deletes damaged files, and those used longest ago until at most `limit` bytes are left."""
    programs = []
    for file in root().glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # another process may tidy too
            status = file.stat()
            used = max(status.st_atime, status.st_mtime)
            if file.suffix == ".pb" and is_whole(file):
                programs.append((used, status.st_size, file))
            elif file.suffix == ".pb" or time.time() - used > ABANDONED:
                file.unlink()
    total = 0
    for _, size, file in sorted(programs, reverse=True):
        total += size
        if total > limit:
            file.unlink(missing_ok=True)


def is_whole(file: Path) -> bool:
    """Returns whether a file holds a complete protocol buffer."""
    content = file.read_bytes()
    with contextlib.suppress(DecodeError):
        Empty.FromString(content)  # each field is unknown to it, but must end where it says
        return bool(content)
    return False


def environment_fingerprint() -> str:
    """Returns a hash of what compiled code depends on and the names of its files do not say."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = (importlib.metadata.version("tensorflow"), processor(), cores, os.environ.get("XLA_FLAGS"))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def processor() -> str:
    """Returns the model and features of the first processor, or the machine's name where the system has no cpuinfo."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().split("\n\n")[0].splitlines() if cpuinfo.exists() else []
    return "".join(line for line in lines if line.startswith(("model name", "flags", "Features"))) or platform.node()

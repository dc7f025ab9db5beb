"""Reports of faults: exceptions other than the refusal of a user's mistake."""

import contextlib
import importlib.metadata
import platform
import re
import shlex
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from kzoo.checks import MAX_MESSAGE, escape, shorten
from kzoo.user_cache import cache_folder

PACKAGE = Path(__file__).parent
PACKAGES = ("kzoo", "keras", "tensorflow", "numpy")
ENTRIES = (PACKAGE / "cli" / "program.py", PACKAGE / "__main__.py")  # every fault passes through them
KEPT = 20  # report files


def describe_fault(error: Exception, command: Sequence[str]) -> str:
    """Returns a few lines on what failed and where, and writes the full traceback to a file that they name."""
    lines = [what_failed(error)]
    lines += [f"  {line}" for note in getattr(error, "__notes__", ()) for line in note.splitlines()]
    lines += [f"  {line}" for line in where(error)]
    lines += [
        "kzoo does not expect this error. Unless your data or settings explain it, it is a fault to report,",
        f"together with this file, which has the full traceback: {write_report(error, command)}",
    ]
    return "\n".join(escape(shorten(line, MAX_MESSAGE)) for line in lines)


def what_failed(error: Exception) -> str:
    """Returns the type and the first line of an exception, without the headings and frames of TensorFlow's messages.

    >>> what_failed(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    sentences = [line for line in lines if not line.startswith((" ", "\t")) and not line.endswith(":")]
    return ": ".join([type(error).__name__, *(sentences or lines)[:1]])


def where(error: Exception) -> list[str]:
    """Returns the innermost frame of kzoo, and the innermost frame of all if it is another.

    If an operation of a compiled function fails, its message lists the frames that created it: they are the innermost.
    """
    frames = [(frame.filename, frame.lineno, frame.name) for frame in traceback.extract_tb(error.__traceback__)]
    frames += re.findall(r'File "(.+?)", line (\d+), in (\S+)', str(error))
    ours = [frame for frame in frames if Path(frame[0]).is_relative_to(PACKAGE)]
    ours = [frame for frame in ours if Path(frame[0]) not in ENTRIES] or ours
    places = [f"in {_place(ours[-1])}"] if ours else []
    return places + ([f"raised at {_place(frames[-1])}"] if frames and frames[-1] not in ours[-1:] else [])


def _place(frame: tuple) -> str:
    return "{}:{} ({})".format(*frame)


def write_report(error: Exception, command: Sequence[str]) -> Path:
    """Writes versions, the command and the full traceback to a file in the cache folder, or a temporary file."""
    text = "\n".join(
        [
            f"command: kzoo {shlex.join(command)}",
            f"platform: {platform.platform()}",
            *(f"{package}: {version}" for package, version in versions().items()),
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    folder, name = cache_folder() / "faults", time.strftime("%Y%m%d-%H%M%S-")
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.txt"))[: 1 - KEPT]:
            old.unlink(missing_ok=True)
        return _new_file(folder, name, text)
    return _new_file(None, f"kzoo-{name}", text)


def _new_file(folder: Path | None, prefix: str, text: str) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix=prefix, suffix=".txt", dir=folder, delete=False
    ) as file:
        file.write(text)
    return Path(file.name)


def versions() -> dict[str, str]:
    """Returns the versions that a report needs, from the installed packages' metadata: nothing is imported."""
    return {**{package: package_version(package) for package in PACKAGES}, "python": platform.python_version()}


def package_version(package: str) -> str:
    """Returns the version of an installed package, or "not installed as a package"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"

"""Lists the files that arguments name: paths, folders, patterns, and a list on standard input."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kzoo.checks import require
from kzoo.data.image_file import PHOTO_SUFFIXES, SUFFIXES
from kzoo.data.visible_files import visible_files
from kzoo.types import PathLike

ARRAYS = (".npy", ".npz")
STDIN = "-"


def list_files(who: str, arguments: Iterable[PathLike], leave_out: Sequence[PathLike] = ()) -> list[Path]:
    """Returns the files that arguments name, in their order.

    An argument is a file; a folder, which stands for the images and arrays in it at any depth, sorted, without hidden
    ones; a pattern such as "scans/**/*.png", whose matches are files and folders; or "-" for standard input, which
    lists files and folders one a line, or separated by NUL bytes.
    Arguments: who, what messages name; leave_out, files and folders that folders and patterns do not stand for.
    Raises Refusal for an argument that is empty, for a path that does not exist, and for a folder or pattern without
    such files. Paths on standard input need not exist.
    """
    names, left_out = [str(argument) for argument in arguments], [Path(path) for path in leave_out]
    files: list[Path] = []
    require(all(names), who, "names of files and folders, not empty ones", files=names)
    for name in names:
        if name == STDIN:
            listed = paths_on_stdin()
            require(listed, who, "at least one path on standard input", bytes=0)
            for path in listed:
                files += _wanted(visible_files(path)[0], left_out) if os.path.isdir(path) else [path]
            continue
        is_pattern = glob.has_magic(name) and not os.path.lexists(name)
        if not is_pattern and not os.path.isdir(name):
            require(os.path.exists(name), who, "existing files and folders", file=name)
            files.append(Path(name))
            continue
        found = _matches(name) if is_pattern else visible_files(Path(name))[0]
        kept, kind = list(_wanted(found, left_out)), "pattern" if is_pattern else "folder"
        require(kept, who, f"a {kind} with {', '.join(SUFFIXES)}, .npy or .npz files", **{kind: name})
        files += kept
    return files


def paths_on_stdin() -> list[Path]:
    """Returns the paths on standard input: one a line, or separated by NUL bytes if there is one."""
    content = sys.stdin.buffer.read()
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [Path(os.fsdecode(name)) for name in names if name]


def is_image(file: PathLike) -> bool:
    """Returns whether a file's name is that of an image; all others are read as arrays.

    >>> is_image("x.PNG"), is_image("x.npy")
    (True, False)
    """
    return Path(file).suffix.lower() in PHOTO_SUFFIXES


def _matches(pattern: str) -> list[Path]:
    """Returns the files that match a pattern or are in a folder that does, each once."""
    found: dict[Path, None] = {}
    for path in map(Path, sorted(glob.glob(pattern, recursive=True))):
        found |= dict.fromkeys(visible_files(path)[0] if path.is_dir() else [path])
    return list(found)


def _wanted(files: Iterable[Path], left_out: Sequence[Path]) -> Iterator[Path]:
    """Yields the images and arrays that are neither among the paths left out nor in a folder of them."""
    outside = [os.path.abspath(path) for path in left_out]
    for file in files:
        place = os.path.abspath(file)
        known = file.suffix.lower() in (*PHOTO_SUFFIXES, *ARRAYS) and file.is_file()
        if known and not any(place == path or place.startswith(path + os.sep) for path in outside):
            yield file

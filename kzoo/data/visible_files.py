"""Lists the files of a folder at any depth, without hidden ones, such as `.ipynb_checkpoints/` and `._photo.png`."""

import os
from pathlib import Path

RESOURCE_FORKS = "__MACOSX"  # a folder in zip files of macOS


def is_hidden(path: Path) -> bool:
    """Returns whether the name of a file or folder marks it as hidden.

    >>> is_hidden(Path("a/.b")), is_hidden(Path(".a/b"))
    (True, False)
    """
    return path.name.startswith(".") or path.name == RESOURCE_FORKS


def visible_files(folder: Path) -> tuple[list[Path], int]:
    """Returns the files in a folder and in its subfolders, sorted, and how many hidden files and folders there are.

    Links to folders are followed, except to a folder that contains them.
    """
    files, hidden = _walk(folder, ())
    return sorted(files), hidden


def _walk(folder, inside):
    """Returns (files, number of hidden entries); `inside` are the real paths of the folders that are being listed."""
    inside, files, hidden = (*inside, os.path.realpath(folder)), [], 0
    for entry in folder.iterdir():
        if is_hidden(entry):
            hidden += 1
        elif not entry.is_dir():
            files.append(entry)
        elif os.path.realpath(entry) not in inside:
            deeper, count = _walk(entry, inside)
            files, hidden = files + deeper, hidden + count
    return files, hidden

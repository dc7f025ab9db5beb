"""The folders in which data and caches are kept, with their sizes."""

import os
from collections.abc import Iterator
from pathlib import Path

from kzoo.terminal import short_count
from kzoo.user_cache import cache_folder


def folders() -> dict[str, Path]:
    """Returns the folders by what they hold; they need not exist."""

    def place(variable: str, default: str) -> Path:
        return Path(os.environ.get(variable) or default).expanduser()

    home = place("KERAS_HOME", "~/.keras")
    return {
        "TensorFlow Datasets (TFDS_DATA_DIR)": place("TFDS_DATA_DIR", "~/tensorflow_datasets"),
        "datasets that kzoo generates (KZOO_DATA_DIR)": place("KZOO_DATA_DIR", f"{home}/kzoo/datasets"),
        "downloaded weights (KERAS_HOME)": home,
        "cache (KZOO_CACHE_DIR)": cache_folder(),
    }


def describe_folder(folder: Path) -> str:
    """Returns the path of a folder with the number and the size of its files, and whether it cannot be written."""
    if not folder.exists():
        return f"{folder}: not there yet"
    sizes = list(_sizes(folder))
    writable = "" if os.access(folder, os.W_OK | os.X_OK) else "; it cannot be written"
    return f"{folder}: {len(sizes):,} files, {short_count(sum(sizes))}B{writable}"


def _sizes(folder: Path) -> Iterator[int]:
    """Yields the bytes of each file that a folder holds, links not followed."""
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name)).st_size
            except OSError:  # another process may tidy
                continue

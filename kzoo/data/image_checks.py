"""Checks of image files before training: each is decoded, on all cores, and again only after it has changed.

What was found is kept in the user's cache folder (`kzoo.user_cache`), by the size and the time of change of a file.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kzoo.data.image_file import UNREADABLE, ImageHeader, UnreadableImageError, check_pixels, read_header, read_mask
from kzoo.files import write_atomically
from kzoo.terminal import Progress
from kzoo.user_cache import cache_folder, installed_version

SETTLED = 2.0  # seconds since a file's last change; within them another change may leave the same time
FOLDERS = 20  # whose checks are kept


class CheckedImage(NamedTuple):
    """What the check of an image file found. `header` is None where there is a problem, a phrase that follows "is".

    digest, of the file's bytes; labels, the different labels of a mask, ascending, None for other images.
    """

    header: ImageHeader | None
    digest: str
    labels: tuple[int, ...] | None
    problem: str | None


def check_images(root: Path, images: Sequence[Path], masks: Sequence[Path] = ()) -> dict[Path, CheckedImage]:
    """Returns what decoding the images and masks in a folder finds; it takes a quarter of the time of reading JPEGs.

    Prints how far it is if that takes longer than two seconds.
    """
    cache = cache_folder() / "images" / f"{_digest(os.fsencode(os.path.realpath(root)))}-{installed_version()}.json"
    known, wanted = _read_cache(cache), {**dict.fromkeys(images, False), **dict.fromkeys(masks, True)}
    stamps = {file: _stamp(root, file, is_mask) for file, is_mask in wanted.items()}
    found = {file: known[stamp] for file, stamp in stamps.items() if stamp in known}
    rest = [file for file in wanted if file not in found]
    progress = Progress(f"images in {root.name}/ are checked", len(rest))

    def check(file):
        checked = _check(file, wanted[file])
        progress.tick()
        return checked

    threads = ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0))))
    try:
        found |= dict(zip(rest, threads.map(check, rest)))
    finally:
        threads.shutdown(cancel_futures=True)  # after Ctrl-C
    if rest:
        _write_cache(cache, {stamps[file]: found[file] for file in wanted if _is_settled(file)})
    return {file: found[file] for file in wanted}


def _check(file, is_mask):
    digest = ""
    try:
        if not os.path.isfile(file):  # a named pipe would block
            raise UnreadableImageError(UNREADABLE)
        content = file.read_bytes()
        digest = _digest(content)
        if is_mask:
            mask = read_mask(file)
            return CheckedImage(ImageHeader(mask.shape[:2], 1, "int32", False), digest, _labels(mask), None)
        header = read_header(file)
        check_pixels(content)
        return CheckedImage(header, digest, None, None)
    except UnreadableImageError as error:
        return CheckedImage(None, digest, None, str(error))
    except OSError as error:
        return CheckedImage(None, digest, None, f"a file that cannot be read: {(error.strerror or str(error)).lower()}")


def _labels(mask):
    """Returns the different labels of a mask. Sorting the pixels of a large one would take a second.

    >>> _labels(np.array([[3, 0], [3, 1]]))
    (0, 1, 3)
    """
    small = mask.min() >= 0 and mask.max() < 2**16
    return tuple((np.flatnonzero(np.bincount(mask.ravel())) if small else np.unique(mask)).tolist())


def _digest(content):
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _stamp(root, file, is_mask):
    """Returns a text that is another one when the file has changed."""
    try:
        stat = file.stat()
    except OSError:  # a broken link
        return ""
    return f"{file.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\0{int(is_mask)}"


def _is_settled(file):
    with contextlib.suppress(OSError):
        return time.time() - file.stat().st_mtime > SETTLED
    return False


def _read_cache(cache):
    """Returns {stamp: CheckedImage}, an empty one where there is no cache or a damaged one."""
    try:
        stored = json.loads(cache.read_text("utf-8"))
        return {stamp: _from_json(*entry) for stamp, entry in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _from_json(header, digest, labels, problem):
    if header is not None:
        size, *rest = header
        header = ImageHeader(tuple(size), *rest)
    return CheckedImage(header, digest, None if labels is None else tuple(labels), problem)


def _write_cache(cache, entries):
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cache, json.dumps(entries))
        for old in sorted(cache.parent.glob("*.json"), key=os.path.getmtime)[:-FOLDERS]:
            old.unlink(missing_ok=True)

"""Writes docs/layers/: one page per layer, with a picture of its effect on a real image or signal.

Usage: python -m docs.gallery [NAME ...] [--check]
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from docs.gallery.drawing import all_drawn  # noqa: E402
from docs.gallery.pages import PAGES, contents, text_of  # noqa: E402
from kzoo.analysis.catalogue import families  # noqa: E402

FOLDER = Path(__file__).parents[1] / "layers"


def difference(path, picture):
    """Returns the mean difference of a file from a picture in the worst 16 x 16 block; 255 if their sizes differ."""
    if not path.exists():
        return 255
    old, new = (np.asarray(one.convert("RGB"), "float32") for one in (Image.open(path), picture))
    if old.shape != new.shape:
        return 255
    change = np.abs(old - new).mean(-1)
    height, width = (n // 16 * 16 for n in change.shape)
    return change[:height, :width].reshape(height // 16, 16, width // 16, 16).mean((1, 3)).max()


def main(arguments=None):
    """Writes the pages. With --check only compares them, and returns an error message if any is out of date."""
    parser = argparse.ArgumentParser(prog="python -m docs.gallery", description="Write the pages of docs/layers/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="layers whose pictures to draw; all by default")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a page is out of date")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PAGES]
    if unknown:
        parser.error(f"no page {', '.join(unknown)}; there are {', '.join(PAGES)}")
    missing = [name for name in families() if name not in PAGES]
    if missing:
        parser.error(f"no picture of {', '.join(missing)} in docs/gallery/")

    texts = {FOLDER / "README.md": contents()} | {FOLDER / f"{name}.md": text_of(page) for name, page in PAGES.items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    names = options.names or [*PAGES]
    figures = [FOLDER / "figures" / f"{name}.png" for name in names]
    pictures = dict(zip(figures, all_drawn(names, not options.check)))
    # rounding on another processor moves a few dots of a curve
    tolerance = 24 if options.check else 0
    changed = [path for path, picture in pictures.items() if difference(path, picture) > tolerance]
    written = {*texts, *(FOLDER / "figures" / f"{name}.png" for name in PAGES)}
    removed = [path for path in FOLDER.rglob("*.*") if path not in written]  # of layers that no longer exist
    if options.check:
        names = ", ".join(sorted(str(path.relative_to(FOLDER)) for path in (*stale, *changed, *removed)))
        return f"out of date in docs/layers/: {names}; run python -m docs.gallery" if names else None
    (FOLDER / "figures").mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(texts[path])
    for path in changed:
        pictures[path].save(path, optimize=True)
    for path in removed:
        path.unlink()
    return None


if __name__ == "__main__":
    sys.exit(main())

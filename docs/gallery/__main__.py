"""Writes docs/layers/: a page a layer, with a picture of what it does to a real image or signal.

Usage: python -m docs.gallery [NAME ...] [--check]

Source: none.
"""

import argparse
import importlib
import io
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from rich.progress import track  # noqa: E402

from docs.gallery.pages import PAGES, contents, text_of  # noqa: E402
from docs.gallery.panels import sheet  # noqa: E402
from kzoo.analysis.catalogue import families  # noqa: E402

FOLDER = Path(__file__).parents[1] / "layers"
GROUPS = (  # in the order of the textbook
    "convolution",
    "sharing",
    "fixed_filters",
    "borders",
    "pooling",
    "regions",
    "channels",
    "upwards",
    "activations",
    "normalization",
    "noise",
    "capsules",
    "dense",
)
for group in GROUPS:
    importlib.import_module(f"docs.gallery.{group}")


def drawn(page):
    """A page's picture, in 128 colours, which a file holds in half the space."""
    keras.utils.set_random_seed(0)
    stream = io.BytesIO()
    sheet(page.picture()).savefig(stream, format="png")
    return Image.open(stream).convert("RGB").quantize(128, kmeans=1)  # without k-means thin lines lose their colour


def difference(path, picture):
    """By how much a file differs from a picture, in the worst of its blocks of 16 x 16 dots; 255 if wholly."""
    if not path.exists():
        return 255
    kept, now = (np.asarray(one.convert("RGB"), "float32") for one in (Image.open(path), picture))
    if kept.shape != now.shape:
        return 255
    apart = np.abs(kept - now).mean(-1)
    high, wide = (n // 16 * 16 for n in apart.shape)
    return apart[:high, :wide].reshape(high // 16, 16, wide // 16, 16).mean((1, 3)).max()


def main(arguments=None):
    """Write the pages, or with --check only compare them; returns what is out of date."""
    parser = argparse.ArgumentParser(prog="python -m docs.gallery", description="Write the pages of docs/layers/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="layers whose pages to write; all by default")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a page is out of date")
    told = parser.parse_args(arguments)
    unknown = [name for name in told.names if name not in PAGES]
    if unknown:
        parser.error(f"no page {', '.join(unknown)}; there are {', '.join(PAGES)}")
    without = [name for name in families() if name not in PAGES]
    if without:
        parser.error(f"no picture of {', '.join(without)} in docs/gallery/")

    texts = {FOLDER / "README.md": contents()} | {FOLDER / f"{name}.md": text_of(page) for name, page in PAGES.items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    figures = {FOLDER / "figures" / f"{name}.png": PAGES[name] for name in told.names or PAGES}
    pictures = {path: drawn(page) for path, page in track(figures.items(), "drawing", disable=told.check)}
    # another processor rounds otherwise, which moves a few dots of a curve
    least = 24 if told.check else 0
    changed = [path for path, picture in pictures.items() if difference(path, picture) > least]
    made = {*texts, *(FOLDER / "figures" / f"{name}.png" for name in PAGES)}
    left = [path for path in FOLDER.rglob("*.*") if path not in made]  # of layers that are no more
    if told.check:
        names = ", ".join(sorted(str(path.relative_to(FOLDER)) for path in (*stale, *changed, *left)))
        return f"out of date in docs/layers/: {names}; run python -m docs.gallery" if names else None
    (FOLDER / "figures").mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(texts[path])
    for path in changed:
        pictures[path].save(path, optimize=True)
    for path in left:
        path.unlink()
    return None


if __name__ == "__main__":
    sys.exit(main())
